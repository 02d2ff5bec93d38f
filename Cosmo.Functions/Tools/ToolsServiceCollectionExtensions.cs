namespace Cosmo.Functions.Tools;

internal static class ToolsServiceCollectionExtensions
{
    public static IServiceCollection AddTools(this IServiceCollection services) => services;
}
