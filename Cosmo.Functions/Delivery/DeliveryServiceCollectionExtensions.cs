using Azure.Identity;
using Azure.Messaging.WebPubSub;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Delivery;

internal static class DeliveryServiceCollectionExtensions
{
    public static IServiceCollection AddDelivery(this IServiceCollection services)
    {
        services.AddOptions<DeliveryOptions>().BindConfiguration(DeliveryOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton(Connect)
            .AddSingleton<ConnectionAddresses>()
            .AddSingleton<DeltaListeners>()
            .AddSingleton<GroupKeeper>()
            .AddHostedService(services => services.GetRequiredService<GroupKeeper>())
            .AddSingleton<PublisherConnection>()
            .AddHostedService(services => services.GetRequiredService<PublisherConnection>())
            .AddSingleton<UpdateLog>()
            .AddSingleton<IUpdatePublisher, UpdatePublisher>();
    }

    private static WebPubSubServiceClient Connect(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<DeliveryOptions>>().Value;
        return options.Endpoint is { } endpoint
            ? new WebPubSubServiceClient(endpoint, options.Hub, new DefaultAzureCredential())
            : new WebPubSubServiceClient(options.ConnectionString!, options.Hub);
    }
}
