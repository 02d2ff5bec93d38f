using Cosmo.Functions.Tools.Audit;
using Cosmo.Functions.Tools.Database;
using Cosmo.Functions.Tools.Weather;

namespace Cosmo.Functions.Tools;

internal static class ToolsServiceCollectionExtensions
{
    public static IServiceCollection AddTools(this IServiceCollection services)
    {
        services.AddOptions<ToolOptions>().BindConfiguration(ToolOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<WeatherOptions>().BindConfiguration(WeatherOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Toolbox>();
        services.AddSingleton<ApiClient>();
        services.AddSingleton<OpenWeather>();
        services.AddSingleton<KmcDatabase>();
        services.AddSingleton<PersonalData>();

        services.AddSingleton<ITool, GetWeather>();
        services.AddSingleton<ITool, GetActiveClientsPerService>();
        services.AddSingleton<ITool, GetAvailableOffices>();
        services.AddSingleton<ITool, GetUserAuditLogs>();
        services.AddSingleton<ITool, GetUserRole>();

        // The factory's own loggers would write addresses; a redirect would carry a key to another host.
        services.AddHttpClient(ApiClient.ClientName, client => client.MaxResponseContentBufferSize = ApiClient.MaxAnswerBytes)
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                ConnectTimeout = TimeSpan.FromSeconds(3),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            });
        return services;
    }
}
