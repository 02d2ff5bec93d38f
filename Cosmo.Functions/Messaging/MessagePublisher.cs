using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Cosmo.Functions.Messaging;

/// <summary>Puts a browser's chat message into the queue, marked as such: it is never trusted as a producer's.</summary>
internal sealed class MessagePublisher(RabbitMQPublisher rabbitMQ, IOptions<MessagingOptions> options)
{
    /// <summary>Returns when the broker has it. Throws when the broker is away.</summary>
    public Task PublishAsync(ChatMessage message, CancellationToken cancellationToken)
    {
        var properties = new BasicProperties
        {
            Persistent = true,
            ContentType = "application/json",
            MessageId = message.MessageId.Length <= 80 ? message.MessageId : null,
            Headers = new Dictionary<string, object?> { [DeliveryProperties.OriginHeader] = DeliveryProperties.ClientOrigin },
        };
        return rabbitMQ.PublishAsync(options.Value.Exchange, options.Value.RoutingKey, properties, BodyOf(message), cancellationToken);
    }

    /// <summary>A message that reads back as it is: who is not trusted is named, if only as nobody.</summary>
    public static byte[] BodyOf(ChatMessage message)
    {
        var body = new JsonObject { ["channel"] = message.Channel, ["message_id"] = message.MessageId, ["message"] = message.Message };
        if (message.Profile is { } profile)
        {
            body["profile"] = profile;
        }

        if (message.Replaces is { } replaces)
        {
            body["replaces"] = replaces;
        }

        if (!message.Caller.IsTrustedProducer)
        {
            var user = new JsonObject { ["id"] = message.Caller.Id, ["roles"] = new JsonArray([.. message.Caller.Roles.Select(role => JsonValue.Create(role))]) };
            if (message.Caller.Issuer is { } issuer)
            {
                user["issuer"] = issuer;
            }

            if (message.Caller.Source is { } source)
            {
                user["source"] = source;
            }

            body["user"] = user;
        }

        return Encoding.UTF8.GetBytes(body.ToJsonString(CosmoJson.Options));
    }
}
