using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using RabbitMQ.Client;

namespace Cosmo.Functions.Messaging;

/// <summary>The AMQP properties of a delivery that a dead letter keeps.</summary>
/// <param name="Timestamp">Unix seconds.</param>
/// <param name="Headers">Text and whole-number headers; others are not carried over.</param>
internal sealed record DeliveryProperties(
    string? ContentType,
    string? CorrelationId,
    string? ReplyTo,
    string? MessageId,
    string? Type,
    byte? Priority,
    string? ContentEncoding,
    string? AppId,
    long? Timestamp,
    IReadOnlyDictionary<string, string> Headers)
{
    public const string AttemptHeader = "x-cosmo-attempt";

    /// <summary>The number that RabbitMQ's .NET client gives each publication; another's number would confuse it.</summary>
    public const string PublicationHeader = "x-dotnet-pub-seq-no";

    public static DeliveryProperties None { get; } = new(null, null, null, null, null, null, null, null, null, new Dictionary<string, string>());

    /// <summary>1 for a first delivery, one more for each replay of its dead letter.</summary>
    public int Attempt =>
        Headers.TryGetValue(AttemptHeader, out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var attempt) && attempt > 0
            ? attempt
            : 1;

    /// <summary>
    /// Reads the trigger's binding data, where <c>BasicProperties</c> is JSON and string headers are base64.
    /// The payload's own top-level names stand there too, so nothing found there is taken on trust.
    /// </summary>
    public static DeliveryProperties From(FunctionContext context)
    {
        if (!context.BindingContext.BindingData.TryGetValue("BasicProperties", out var value) || value is not string json)
        {
            return None;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return root.ValueKind != JsonValueKind.Object
                ? None
                : new DeliveryProperties(
                    Text(root, nameof(ContentType)),
                    Text(root, nameof(CorrelationId)),
                    Text(root, nameof(ReplyTo)),
                    Text(root, nameof(MessageId)),
                    Text(root, nameof(Type)),
                    root.TryGetProperty(nameof(Priority), out var priority) && priority.TryGetByte(out var level) && level > 0 ? level : null,
                    Text(root, nameof(ContentEncoding)),
                    Text(root, nameof(AppId)),
                    ReadTimestamp(root),
                    ReadHeaders(root));
        }
        catch (JsonException)
        {
            return None;
        }
    }

    /// <summary>These properties as the broker takes them, durable, and with more headers.</summary>
    public BasicProperties ToBasicProperties(IEnumerable<KeyValuePair<string, string>> moreHeaders)
    {
        var headers = new Dictionary<string, object?>();
        foreach (var (name, value) in Headers.Where(header => header.Key != PublicationHeader).Concat(moreHeaders))
        {
            headers[name] = value;
        }

        var properties = new BasicProperties
        {
            Persistent = true,
            ContentType = ContentType ?? "application/json",
            CorrelationId = CorrelationId,
            ReplyTo = ReplyTo,
            MessageId = MessageId,
            Type = Type,
            ContentEncoding = ContentEncoding,
            AppId = AppId,
            Headers = headers,
        };
        if (Priority is { } priority)
        {
            properties.Priority = priority;
        }

        if (Timestamp is { } seconds)
        {
            properties.Timestamp = new AmqpTimestamp(seconds);
        }

        return properties;
    }

    /// <summary>Null where there is none; the binding data then has 0.</summary>
    private static long? ReadTimestamp(JsonElement root) =>
        root.TryGetProperty(nameof(Timestamp), out var timestamp) && timestamp.ValueKind == JsonValueKind.Object
        && timestamp.TryGetProperty("UnixTime", out var time) && time.TryGetInt64(out var seconds) && seconds > 0
            ? seconds
            : null;

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static Dictionary<string, string> ReadHeaders(JsonElement root)
    {
        var headers = new Dictionary<string, string>();
        if (root.TryGetProperty(nameof(Headers), out var element) && element.ValueKind == JsonValueKind.Object)
        {
            foreach (var header in element.EnumerateObject())
            {
                if (header.Value.ValueKind == JsonValueKind.Number)
                {
                    headers[header.Name] = header.Value.GetRawText();
                }
                else if (header.Value.ValueKind == JsonValueKind.String)
                {
                    headers[header.Name] = header.Value.TryGetBytesFromBase64(out var bytes) ? Encoding.UTF8.GetString(bytes) : header.Value.GetString()!;
                }
            }
        }

        return headers;
    }
}
