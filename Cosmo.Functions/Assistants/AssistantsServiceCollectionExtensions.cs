namespace Cosmo.Functions.Assistants;

internal static class AssistantsServiceCollectionExtensions
{
    public static IServiceCollection AddAssistants(this IServiceCollection services) => services;
}
