using System.Text.Json;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: gives a message's final update to the queue that its producer named. Fails while the broker is away; the orchestration then tries again, and a
/// producer may get it twice. A queue that is not there is nobody's.
/// </summary>
internal sealed class SendReply(UpdateLog log, RabbitMQPublisher rabbitMQ, ILogger<SendReply> logger)
{
    [Function(nameof(SendReply))]
    public async Task RunAsync([ActivityTrigger] ReplyInput input, FunctionContext context)
    {
        if ((await log.FindEndAsync(input.Address, context.CancellationToken))?.Update is not { } final)
        {
            logger.NoReply(input.Address.MessageId, "its final update is not kept any more");
            return;
        }

        try
        {
            await rabbitMQ.PublishAsync(
                "",
                input.ReplyTo,
                new BasicProperties { Persistent = true, ContentType = "application/json", CorrelationId = input.CorrelationId },
                JsonSerializer.SerializeToUtf8Bytes(final, CosmoJson.Options),
                context.CancellationToken);
        }
        catch (PublishException)
        {
            logger.NoReply(input.Address.MessageId, "its producer's queue is not there");
        }
    }
}
