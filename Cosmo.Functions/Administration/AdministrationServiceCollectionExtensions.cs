using Cosmo.Functions.Administration.Deletion;

namespace Cosmo.Functions.Administration;

internal static class AdministrationServiceCollectionExtensions
{
    public static IServiceCollection AddAdministration(this IServiceCollection services)
    {
        services.AddOptions<AdministrationOptions>().BindConfiguration(AdministrationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<ConsumerWatch>()
            .AddHostedService(services => services.GetRequiredService<ConsumerWatch>())
            .AddSingleton<ThreadRemoval>()
            .AddSingleton<ThreadBatches>();
    }
}
