using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Hosting;
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

    /// <summary>Says of a message where it began, if not at a producer.</summary>
    public const string OriginHeader = "x-cosmo-origin";

    public const string ClientOrigin = "client";

    /// <summary>What of its message a producer wants at its <c>reply_to</c>: <c>final</c>.</summary>
    public const string ReplyHeader = "x-cosmo-reply";

    /// <summary>The number that RabbitMQ's .NET client gives each publication; another's number would confuse it.</summary>
    public const string PublicationHeader = "x-dotnet-pub-seq-no";

    /// <summary>So many characters of headers are kept; a dead letter adds its own, and all of them must fit into a frame of AMQP.</summary>
    private const int MaxHeadersLength = 65_536;

    public static DeliveryProperties None { get; } = new(null, null, null, null, null, null, null, null, null, new Dictionary<string, string>());

    /// <summary>1 for a first delivery, one more for each replay of its dead letter.</summary>
    public int Attempt => Headers.TryGetValue(AttemptHeader, out var text) ? LetterHeaders.AttemptOf(text, hasCause: false, [], "") : 1;

    /// <summary>The queue at which the sender wants the final update too; null if it does not.</summary>
    public string? FinalReplyTo => Headers.TryGetValue(ReplyHeader, out var wanted) && wanted == "final" ? ReplyTo : null;

    /// <summary>The span in which it was sent, where the sender says so (W3C <c>traceparent</c>).</summary>
    public ActivityLink[] FindProducer() =>
        Headers.TryGetValue("traceparent", out var trace) && ActivityContext.TryParse(trace, null, isRemote: true, out var sent) ? [new(sent)] : [];

    /// <summary>Whether a producer sent it, rather than Cosmo on behalf of a browser.</summary>
    public bool IsOfProducer => !Headers.ContainsKey(OriginHeader);

    /// <summary>
    /// Reads the trigger's binding data, where <c>BasicProperties</c> is JSON and string headers are base64. What stands there as something else than it
    /// should is left out. Of a dead letter that was moved back the attempt is counted, and what was said about its failure is left behind.
    /// </summary>
    /// <param name="context">The invocation.</param>
    /// <param name="queue">The queue that it reads from.</param>
    public static DeliveryProperties From(FunctionContext context, string queue)
    {
        if (!context.BindingContext.BindingData.TryGetValue("BasicProperties", out var value)
            || value is not string json
            || !ForeignJson.TryRead(Encoding.UTF8.GetBytes(json), out var root, out _))
        {
            return None;
        }

        var parts = root.Pick(
            nameof(ContentType), nameof(CorrelationId), nameof(ReplyTo), nameof(MessageId), nameof(Type), nameof(Priority), nameof(ContentEncoding), nameof(AppId),
            nameof(Timestamp), nameof(Headers));
        string? Text(string name) => parts.TryGetValue(name, out var part) && part.Text is { Length: > 0 } text ? text : null;
        long? Number(string name) => parts.TryGetValue(name, out var part) ? part.Number : null;
        return new DeliveryProperties(
            Text(nameof(ContentType)),
            Text(nameof(CorrelationId)),
            Text(nameof(ReplyTo)),
            Text(nameof(MessageId)),
            Text(nameof(Type)),
            Number(nameof(Priority)) is > 0 and <= byte.MaxValue and var level ? (byte)level : null,
            Text(nameof(ContentEncoding)),
            Text(nameof(AppId)),
            ReadTimestamp(parts),
            ReadHeaders(parts, queue));
    }

    /// <summary>These properties as the broker takes them, durable, and with more headers.</summary>
    public BasicProperties ToBasicProperties(IEnumerable<KeyValuePair<string, string>> moreHeaders)
    {
        var headers = new Dictionary<string, object?>();
        foreach (var (name, value) in Headers.Where(header => !LetterHeaders.IsOfThePast(header.Key)).Concat(moreHeaders))
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
    private static long? ReadTimestamp(IReadOnlyDictionary<string, ForeignJson> parts) =>
        parts.TryGetValue(nameof(Timestamp), out var timestamp) && timestamp.Pick("UnixTime").TryGetValue("UnixTime", out var time) && time.Number is > 0 and var seconds
            ? seconds
            : null;

    private static Dictionary<string, string> ReadHeaders(IReadOnlyDictionary<string, ForeignJson> parts, string queue)
    {
        var headers = new Dictionary<string, string>();
        if (!parts.TryGetValue(nameof(Headers), out var sent))
        {
            return headers;
        }

        var (attempt, hasCause, deaths, length) = ((string?)null, false, Array.Empty<(string?, long)>(), 0);
        foreach (var (name, value) in sent.Members())
        {
            var text = value.Kind == JsonValueKind.Number ? Encoding.UTF8.GetString(value.Raw) : Decode(value);
            attempt = name == AttemptHeader ? text : attempt;
            hasCause |= name == DeadLetters.CauseHeader;
            deaths = name == LetterHeaders.Deaths ? [.. value.Elements().Select(ReadDeath)] : deaths;
            if (name is not null && text is not null && !LetterHeaders.IsOfThePast(name) && (length += name.Length + text.Length) <= MaxHeadersLength)
            {
                headers[name] = text;
            }
        }

        if (LetterHeaders.AttemptOf(attempt, hasCause, deaths, queue) is > 1 and var number)
        {
            headers[AttemptHeader] = number.ToString(CultureInfo.InvariantCulture);
        }

        return headers;
    }

    private static (string? Queue, long Count) ReadDeath(ForeignJson death)
    {
        var parts = death.Pick("queue", "count");
        return (parts.TryGetValue("queue", out var queue) ? Decode(queue) : null, parts.TryGetValue("count", out var count) ? count.Number ?? 1 : 1);
    }

    /// <summary>A text of AMQP, which is base64 to the host. Null for anything else.</summary>
    private static string? Decode(ForeignJson value)
    {
        if (value.Text is not { } text)
        {
            return null;
        }

        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : text;
    }
}
