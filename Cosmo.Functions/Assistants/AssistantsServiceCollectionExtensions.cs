using Cosmo.Functions.Assistants.Profiles;

namespace Cosmo.Functions.Assistants;

internal static class AssistantsServiceCollectionExtensions
{
    public static IServiceCollection AddAssistants(this IServiceCollection services)
    {
        services.AddOptions<AssistantOptions>().BindConfiguration(AssistantOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ProfileCatalog>();
        services.AddSingleton<AssistantProfileStore>();
        services.AddSingleton<OpenAIClients>();
        services.AddSingleton<ServiceCalls>();
        services.AddSingleton<ConversationItems>();
        services.AddSingleton<Standing>();
        services.AddSingleton<ResponseRequest>();
        services.AddSingleton<IAssistant, OpenAIAssistant>();
        services.AddHostedService<AssistantStartup>();
        return services;
    }
}
