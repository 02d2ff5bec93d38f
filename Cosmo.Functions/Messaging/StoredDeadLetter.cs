using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;

namespace Cosmo.Functions.Messaging;

/// <summary>A dead letter as it lies in the failed queue: one that Cosmo wrote, or one that the broker put there by itself.</summary>
/// <param name="Id">Names it. Copies of one letter, as a crash may leave them, have the same.</param>
/// <param name="Cause">A stable word for machines; the broker's own are <c>expired</c>, <c>rejected</c>, <c>maxlen</c> and <c>delivery_limit</c>.</param>
/// <param name="Reason">A sentence for people.</param>
/// <param name="FailedAt">When it failed, where known.</param>
/// <param name="Attempt">1 for a first delivery, one more for each replay.</param>
/// <param name="Channel">The channel, where known.</param>
/// <param name="MessageId">The message id, where known.</param>
internal sealed record StoredDeadLetter(
    string Id, string Cause, string Reason, DateTimeOffset? FailedAt, int Attempt, string? Channel, string? MessageId)
{
    /// <summary>The end of the year 9999.</summary>
    private const long LastSecond = 253_402_300_799;

    /// <param name="letter">What lies in the failed queue.</param>
    /// <param name="queue">The queue that messages are read from.</param>
    public static StoredDeadLetter Read(BasicGetResult letter, string queue)
    {
        var headers = letter.BasicProperties.Headers ?? new Dictionary<string, object?>();
        var deaths = headers.TryGetValue(LetterHeaders.Deaths, out var list) && list is IEnumerable<object> listed ? listed.OfType<IDictionary<string, object?>>().ToList() : [];
        var death = deaths.FirstOrDefault();
        var diedAt = death?.TryGetValue("time", out var time) == true && time is AmqpTimestamp { UnixTime: >= 0 and <= LastSecond } stamp
            ? DateTimeOffset.FromUnixTimeSeconds(stamp.UnixTime)
            : (DateTimeOffset?)null;
        var brokersReason = death is null ? "unknown" : Text(death, "reason") ?? "unknown";
        var (channel, messageId) = ChatMessageReader.FindAddress(letter.Body);
        var written = Text(headers, DeliveryProperties.AttemptHeader);
        var next = LetterHeaders.AttemptOf(
            written,
            headers.ContainsKey(DeadLetters.CauseHeader),
            deaths.Select(one => (Text(one, "queue"), one.TryGetValue("count", out var count) && count is long number ? number : 1)),
            queue);
        return new StoredDeadLetter(
            Text(headers, DeadLetters.IdHeader) is { Length: > 0 } id ? id : Hash(letter, brokersReason, diedAt),
            Text(headers, DeadLetters.CauseHeader) ?? brokersReason,
            Text(headers, DeadLetters.ReasonHeader) ?? $"The broker took it out of its queue ({brokersReason}).",
            DateTimeOffset.TryParse(Text(headers, DeadLetters.FailedAtHeader), CultureInfo.InvariantCulture, DateTimeStyles.None, out var failedAt) ? failedAt : diedAt,
            Math.Max(next - 1, LetterHeaders.AttemptOf(written, hasCause: false, [], queue)),
            Text(headers, DeadLetters.ChannelHeader) ?? channel,
            Text(headers, DeadLetters.MessageIdHeader) ?? messageId);
    }

    /// <summary>
    /// The properties for another delivery: the original ones, with the attempt counted and without what was said about the failure. The count of the
    /// trigger's tries goes too, else the first failure would be taken for the last.
    /// </summary>
    public BasicProperties ForReplay(BasicGetResult letter)
    {
        var properties = new BasicProperties(letter.BasicProperties) { Persistent = true };
        properties.Headers = (properties.Headers ?? new Dictionary<string, object?>())
            .Where(header => !LetterHeaders.IsOfThePast(header.Key))
            .ToDictionary(header => header.Key, header => header.Value);
        properties.Headers[DeliveryProperties.AttemptHeader] = (Attempt + 1).ToString(CultureInfo.InvariantCulture);

        // The broker refuses a message in another user's name.
        properties.ClearUserId();
        return properties;
    }

    private static string Hash(BasicGetResult letter, string reason, DateTimeOffset? diedAt)
    {
        var identity = Encoding.UTF8.GetBytes($"{letter.BasicProperties.MessageId}\n{reason}\n{diedAt:O}\n");
        return Convert.ToHexStringLower(SHA256.HashData([.. identity, .. letter.Body.Span]))[..32];
    }

    private static string? Text(IDictionary<string, object?> headers, string name) =>
        headers.TryGetValue(name, out var value) ? value switch
        {
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            string or int or long => Convert.ToString(value, CultureInfo.InvariantCulture),
            _ => null,
        } : null;
}
