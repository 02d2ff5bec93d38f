using System.Text.Json;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Cosmo.Functions.Messaging;

/// <summary>Puts a chat message into the queue, as any producer does.</summary>
internal sealed class MessagePublisher(RabbitMQPublisher rabbitMQ, IOptions<MessagingOptions> options)
{
    /// <summary>Returns when the broker has it. Throws when the broker is away.</summary>
    public Task PublishAsync(ChatMessage message, CancellationToken cancellationToken)
    {
        var properties = new BasicProperties { Persistent = true, ContentType = "application/json", MessageId = message.MessageId.Length <= 80 ? message.MessageId : null };
        return rabbitMQ.PublishAsync(options.Value.Exchange, options.Value.RoutingKey, properties, BodyOf(message), cancellationToken);
    }

    public static byte[] BodyOf(ChatMessage message) => JsonSerializer.SerializeToUtf8Bytes(
        new { message.Channel, message.MessageId, message.Message, User = message.Caller }, CosmoJson.Options);
}
