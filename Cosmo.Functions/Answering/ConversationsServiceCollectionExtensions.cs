using Cosmo.Functions.Answering.Deadlines;
using Cosmo.Functions.Answering.Turns;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Answering;

internal static class ConversationsServiceCollectionExtensions
{
    public static IServiceCollection AddConversations(this IServiceCollection services)
    {
        services.AddOptions<ConversationOptions>().BindConfiguration(ConversationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<ConversationOptions>, HostSettings>()
            .AddSingleton<TurnQueue>()
            .AddSingleton<TurnRelease>()
            .AddSingleton<MessageMemory>()
            .AddSingleton<StopSignals>()
            .AddSingleton<Cancellation>()
            .AddSingleton<ConversationDirectory>()
            .AddSingleton<ConversationStarter>();
    }
}
