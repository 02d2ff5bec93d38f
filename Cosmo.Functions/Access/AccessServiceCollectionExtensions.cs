namespace Cosmo.Functions.Access;

internal static class AccessServiceCollectionExtensions
{
    public static IServiceCollection AddAccess(this IServiceCollection services) => services.AddSingleton<PlatformIdentity>();
}
