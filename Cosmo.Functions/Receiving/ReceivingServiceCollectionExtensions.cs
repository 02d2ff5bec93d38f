namespace Cosmo.Functions.Receiving;

internal static class ReceivingServiceCollectionExtensions
{
    public static IServiceCollection AddReceiving(this IServiceCollection services)
    {
        services.AddOptions<ReceivingOptions>().BindConfiguration(ReceivingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<RabbitMQPublisher>()
            .AddSingleton<ChatMessageReader>()
            .AddSingleton<MessagePublisher>()
            .AddSingleton<DeadLetters>()
            .AddSingleton<DeadLetterQueue>()
            .AddSingleton<MessageReceiver>()
            .AddSingleton<Topology>()
            .AddHostedService(services => services.GetRequiredService<Topology>());
    }
}
