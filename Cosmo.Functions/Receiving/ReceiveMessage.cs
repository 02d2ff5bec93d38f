using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Receiving;

/// <summary>The RabbitMQ trigger. It schedules the answer and returns; it never waits for its end.</summary>
internal sealed class ReceiveMessage(MessageReceiver receiver, IOptions<MessagingOptions> options)
{
    // Not 'body' or 'message': names of binding data.
    [Function(nameof(ReceiveMessage))]
    public Task RunAsync(
        [RabbitMQTrigger("%QUEUE_NAME%", ConnectionStringSetting = "RABBITMQ_URL")] byte[] delivery,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) =>
        receiver.ReceiveAsync(delivery, DeliveryProperties.From(context, options.Value.Queue), client, context.CancellationToken);
}
