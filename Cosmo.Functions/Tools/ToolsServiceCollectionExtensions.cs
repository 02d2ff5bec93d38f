using Cosmo.Functions.Tools.Audit;
using Cosmo.Functions.Tools.Database;
using Cosmo.Functions.Tools.Files;
using Cosmo.Functions.Tools.Files.Mcp;
using Cosmo.Functions.Tools.Weather;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tools;

internal static class ToolsServiceCollectionExtensions
{
    public static IServiceCollection AddTools(this IServiceCollection services)
    {
        services.AddOptions<ToolOptions>().BindConfiguration(ToolOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<WeatherOptions>().BindConfiguration(WeatherOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<ToolOptions>, ToolFilesValidation>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<Toolbox>(
            provider, (IEnumerable<ITool>)[.. provider.GetServices<ITool>(), .. provider.GetRequiredService<DeclaredTools>().All]));
        services.AddSingleton<ApiClient>();
        services.AddSingleton<OpenWeather>();
        services.AddSingleton<KmcDatabase>();
        services.AddSingleton<PersonalData>();

        services.AddSingleton<DeclaredTools>();
        services.AddSingleton<Func<ToolFile, McpDefinition, McpServer>>(provider => (file, mcp) => ActivatorUtilities.CreateInstance<McpServer>(provider, file, mcp));
        services.AddHostedService<McpRefresh>();
        ServiceClients.Add(services);

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
