using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.History;

/// <summary>
/// Which of the model's items belong to which message, and how and when that ended: the conversation itself does not know. Kept in Redis for the newest of a
/// channel, for as long as its thread; no text stands there.
/// </summary>
internal sealed class MessageHistory(RedisConnection redis, IOptions<ThreadOptions> options, TimeProvider clock)
{
    public const string Cancelled = "cancelled";
    public const string TimedOut = "timeout";
    public const string Failed = "error";

    /// <summary>Messages and the items of their answers: those of about a thousand.</summary>
    public const int MaxKept = 2000;

    private const string RecordScript = """
        local known, order = KEYS[1], KEYS[2]
        for i = 4, #ARGV, 2 do
          redis.call('HSET', known, ARGV[i], ARGV[i + 1])
          redis.call('ZADD', order, ARGV[2], ARGV[i])
        end
        local surplus = redis.call('ZCARD', order) - tonumber(ARGV[3])
        if surplus > 0 then
          redis.call('HDEL', known, unpack(redis.call('ZRANGE', order, 0, surplus - 1)))
          redis.call('ZREMRANGEBYRANK', order, 0, surplus - 1)
        end
        redis.call('EXPIRE', known, ARGV[1])
        redis.call('EXPIRE', order, ARGV[1])
        """;

    /// <summary>Of messages that are forgotten there remains that there were such.</summary>
    private const string ForgetScript = """
        local known, order, count = KEYS[1], KEYS[2], tonumber(ARGV[3])
        for i = 4, 3 + count do
          redis.call('HSET', known, ARGV[i], '')
          redis.call('ZADD', order, ARGV[2], ARGV[i])
        end
        for i = 4 + count, #ARGV do
          redis.call('HDEL', known, ARGV[i])
          redis.call('ZREM', order, ARGV[i])
        end
        redis.call('EXPIRE', known, ARGV[1])
        redis.call('EXPIRE', order, ARGV[1])
        """;

    /// <summary>Records the end of a message. Doing so again is harmless; a later attempt counts.</summary>
    /// <param name="address">The message.</param>
    /// <param name="itemIds">The model's items in which the text of its answer stands.</param>
    /// <param name="status">How it ended.</param>
    /// <param name="askedAt">When it was taken in.</param>
    /// <param name="merged">What was asked together with it, and ended with it.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task RecordAsync(
        MessageAddress address, IEnumerable<string> itemIds, string status, DateTimeOffset askedAt, IReadOnlyList<MergedMessage> merged, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var ended = Text(new EndedMessage(address.MessageId, status, askedAt, now, address.Attempt)
        {
            Together = merged.Count > 0 ? [.. merged.Select(message => new AskedMessage(message.Address.MessageId, message.ReceivedAt))] : null,
        });
        return redis.EvaluateAsync(
            RecordScript,
            Keys(address.Channel),
            [
                options.Value.ExpirySeconds, now.ToUnixTimeMilliseconds(), MaxKept, MessageField(address.MessageId), ended,
                .. itemIds.SelectMany(id => (RedisValue[])[ItemField(id), ended]),
                .. merged.SelectMany(message => (RedisValue[])[
                    MessageField(message.Address.MessageId), Text(new EndedMessage(message.Address.MessageId, status, message.ReceivedAt, now, message.Address.Attempt))]),
            ],
            cancellationToken);
    }

    /// <summary>The messages that the items belong to, by the items' ids, as far as they are known.</summary>
    public async Task<IReadOnlyDictionary<string, EndedMessage>> FindAsync(string channel, IReadOnlyList<string> itemIds, CancellationToken cancellationToken)
    {
        if (itemIds.Count == 0)
        {
            return new Dictionary<string, EndedMessage>();
        }

        var found = await GetAsync(channel, [.. itemIds.Distinct()], ItemField, cancellationToken);

        // What was answered is not tried again.
        string[] failed = [.. found.Values.Where(ended => ended.Status != Updates.CompletedStatus).Select(ended => ended.MessageId).Distinct()];
        var last = await GetAsync(channel, failed, MessageField, cancellationToken);
        return found.ToDictionary(
            pair => pair.Key, pair => last.GetValueOrDefault(pair.Value.MessageId) is { } end && end.Attempt > pair.Value.Attempt ? pair.Value with { IsSuperseded = true } : pair.Value);
    }

    /// <summary>Whether a message is among the newest that have ended.</summary>
    public Task<bool> KnowsAsync(string channel, string messageId, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashExistsAsync(Keys(channel)[0], MessageField(messageId)), cancellationToken);

    /// <summary>Whether a message is among the newest that have ended, or were taken out of the conversation.</summary>
    public async Task<bool> HasHadAsync(string channel, string messageId, CancellationToken cancellationToken) =>
        (await redis.RunAsync(database => database.HashGetAsync(Keys(channel)[0], [MessageField(messageId), ReplacedField(messageId)]), cancellationToken)).Any(value => !value.IsNull);

    /// <summary>Forgets messages that were taken out of the conversation, but that there were such.</summary>
    public Task ForgetAsync(string channel, IReadOnlyList<string> messageIds, IReadOnlyList<string> itemIds, CancellationToken cancellationToken) => redis.EvaluateAsync(
        ForgetScript,
        Keys(channel),
        [
            options.Value.ExpirySeconds, clock.GetUtcNow().ToUnixTimeMilliseconds(), messageIds.Count,
            .. messageIds.Select(ReplacedField).Concat(messageIds.Select(MessageField)).Concat(itemIds.Select(ItemField)).Select(field => (RedisValue)field),
        ],
        cancellationToken);

    /// <summary>All that is kept of a channel.</summary>
    public RedisKey[] Keys(string channel) => [RedisKeys.ForChannel(redis.Prefix, "history", channel), RedisKeys.ForChannel(redis.Prefix, "history_order", channel)];

    /// <summary>What is known of messages or items, by their ids.</summary>
    private async Task<Dictionary<string, EndedMessage>> GetAsync(
        string channel, IReadOnlyList<string> ids, Func<string, string> field, CancellationToken cancellationToken)
    {
        var found = await redis.RunAsync(database => database.HashGetAsync(Keys(channel)[0], [.. ids.Select(id => (RedisValue)field(id))]), cancellationToken);
        return ids.Zip(found).Where(pair => !pair.Second.IsNull)
            .ToDictionary(pair => pair.First, pair => JsonSerializer.Deserialize<EndedMessage>((string)pair.Second!, CosmoJson.Options)!);
    }

    private static string Text(EndedMessage ended) => JsonSerializer.Serialize(ended, CosmoJson.Options);

    private static string MessageField(string messageId) => "message:" + messageId;

    private static string ReplacedField(string messageId) => "replaced:" + messageId;

    private static string ItemField(string itemId) => "item:" + itemId;
}

/// <summary>A message that has had its end.</summary>
/// <param name="Status">completed, cancelled, timeout or error.</param>
/// <param name="AskedAt">When it was taken in.</param>
/// <param name="Attempt">Which attempt at it.</param>
internal sealed record EndedMessage(string MessageId, string Status, DateTimeOffset AskedAt, DateTimeOffset EndedAt, int Attempt = 1)
{
    /// <summary>A later attempt at the message has had its end as well: that one counts.</summary>
    [JsonIgnore]
    public bool IsSuperseded { get; init; }

    /// <summary>What was asked together with it, after it; null for nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AskedMessage>? Together { get; init; }

    /// <summary>The messages that its answer answers, in order.</summary>
    [JsonIgnore]
    public IReadOnlyList<AskedMessage> Questions => [new(MessageId, AskedAt), .. Together ?? []];
}

/// <param name="AskedAt">When it was taken in.</param>
internal sealed record AskedMessage(string MessageId, DateTimeOffset AskedAt);
