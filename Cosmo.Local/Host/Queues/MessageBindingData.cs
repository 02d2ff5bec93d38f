using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Cosmo.Local.Host.Queues;

/// <summary>What a delivery says about itself: seven strings, and the top-level properties of a JSON object that are not null.</summary>
internal static class MessageBindingData
{
    public static Dictionary<string, string> Of(BasicDeliverEventArgs delivery)
    {
        var data = new Dictionary<string, string>
        {
            ["ConsumerTag"] = delivery.ConsumerTag,
            ["DeliveryTag"] = delivery.DeliveryTag.ToString(CultureInfo.InvariantCulture),
            ["Redelivered"] = delivery.Redelivered ? "true" : "false",
            ["Exchange"] = delivery.Exchange,
            ["RoutingKey"] = delivery.RoutingKey,
            ["BasicProperties"] = Json(delivery.BasicProperties).ToJsonString(),
            ["Body"] = Encoding.UTF8.GetString(delivery.Body.Span),
        };
        var taken = data.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in TopLevelProperties(delivery.Body))
        {
            if (taken.Add(name))
            {
                data[name] = value;
            }
        }

        return data;
    }

    private static IEnumerable<(string Name, string Value)> TopLevelProperties(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? [.. document.RootElement.EnumerateObject()
                    .Where(property => property.Value.ValueKind != JsonValueKind.Null)
                    .Select(property => (property.Name, property.Value.ToString()))]
                : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static JsonObject Json(IReadOnlyBasicProperties properties) => new()
    {
        ["AppId"] = properties.AppId,
        ["ClusterId"] = properties.ClusterId,
        ["ContentEncoding"] = properties.ContentEncoding,
        ["ContentType"] = properties.ContentType,
        ["CorrelationId"] = properties.CorrelationId,
        ["DeliveryMode"] = (int)properties.DeliveryMode,
        ["Expiration"] = properties.Expiration,
        ["Headers"] = Value(properties.Headers),
        ["MessageId"] = properties.MessageId,
        ["Persistent"] = properties.Persistent,
        ["Priority"] = properties.Priority,
        ["ReplyTo"] = properties.ReplyTo,
        ["Timestamp"] = Value(properties.Timestamp),
        ["Type"] = properties.Type,
        ["UserId"] = properties.UserId,
    };

    /// <summary>AMQP's own types as JSON. A string of a header is bytes to the client, and so becomes base64.</summary>
    private static JsonNode? Value(object? value) => value switch
    {
        null => null,
        byte[] bytes => Convert.ToBase64String(bytes),
        AmqpTimestamp timestamp => new JsonObject { ["UnixTime"] = timestamp.UnixTime },
        IDictionary<string, object?> table => new JsonObject(table.Select(pair => KeyValuePair.Create(pair.Key, Value(pair.Value)))),
        System.Collections.IEnumerable list and not string => new JsonArray([.. list.Cast<object?>().Select(Value)]),
        _ => JsonSerializer.SerializeToNode(value),
    };
}
