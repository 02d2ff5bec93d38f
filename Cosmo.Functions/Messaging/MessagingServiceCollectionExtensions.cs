namespace Cosmo.Functions.Messaging;

internal static class MessagingServiceCollectionExtensions
{
    public static IServiceCollection AddMessaging(this IServiceCollection services)
    {
        services.AddOptions<MessagingOptions>().BindConfiguration(MessagingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<RabbitMQPublisher>()
            .AddSingleton<ChatMessageReader>()
            .AddSingleton<MessagePublisher>()
            .AddSingleton<DeadLetters>()
            .AddSingleton<DeadLetterQueue>()
            .AddSingleton<Topology>()
            .AddHostedService(services => services.GetRequiredService<Topology>())
            .AddHostedService<QueueGauges>();
    }
}
