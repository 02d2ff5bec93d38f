using System.Globalization;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Numbers the updates of a channel, keeps the fence behind a message's final update, and remembers what a client may have missed:
/// statuses, finals and the newest text of each message. One script decides atomically.
/// </summary>
internal sealed class UpdateLog(RedisConnection redis, IOptions<DeliveryOptions> options, TimeProvider clock)
{
    /// <summary>More than a channel has in an hour; the oldest go first.</summary>
    private const int MaximumEntries = 1000;

    private const int FenceDays = 7;
    private const int SequenceDays = 90;

    /// <summary>
    /// A counter that Redis lost starts again at the clock's milliseconds, so that it grows all the same: a client that has seen a higher number
    /// would take everything after for old.
    /// Answers {outcome, sequence}: 1 recorded, 2 recorded before but not known as sent, 0 behind the fence or said before.
    /// </summary>
    private const string RecordScript = """
        local counter, log, fence = KEYS[1], KEYS[2], KEYS[3]
        local kind, once, entry, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
        local final = redis.call('HMGET', fence, 'final', 'sent')
        if final[1] then
          if kind == 'final' and not final[2] then
            local recorded = redis.call('ZRANGEBYSCORE', log, final[1], final[1])
            return {2, final[1], recorded[1] or ''}
          end
          return {0, final[1], ''}
        end
        if once ~= '' and redis.call('HSETNX', fence, 'once:' .. once, '1') == 0 then return {0, '0', ''} end
        local sequence = redis.call('INCR', counter)
        if sequence == 1 then
          redis.call('SET', counter, now)
          sequence = now
        end
        redis.call('EXPIRE', counter, ARGV[7])
        if kind ~= 'status' then
          local text = redis.call('HGET', fence, 'text')
          if text then redis.call('ZREMRANGEBYSCORE', log, text, text) end
          if kind == 'text' then redis.call('HSET', fence, 'text', sequence) else redis.call('HSET', fence, 'final', sequence) end
        end
        redis.call('ZADD', log, sequence, sequence .. ':' .. entry)
        redis.call('ZREMRANGEBYRANK', log, 0, -1 - tonumber(ARGV[8]))
        redis.call('EXPIRE', log, ARGV[5])
        redis.call('EXPIRE', fence, ARGV[6])
        return {1, sequence, ''}
        """;

    /// <summary>Gives the update its sequence and keeps it, unless the message has had its final update.</summary>
    /// <param name="address">The message; its fence is asked and, by a final update, closed.</param>
    /// <param name="payload">What to record.</param>
    /// <param name="once">When set, an update with this key is recorded once for the message.</param>
    public Task<RecordedUpdate> RecordAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken) =>
        RecordAsync(address.Channel, FenceKey(address), payload, once, cancellationToken);

    /// <summary>Records an update about a message that was never taken in, and so has no fence of its own.</summary>
    public Task<RecordedUpdate> RecordUnfencedAsync(string channel, UpdatePayload payload, CancellationToken cancellationToken) =>
        RecordAsync(channel, RedisKeys.ForChannel(redis.Prefix, "fence", channel) + ":rejected:" + Guid.NewGuid().ToString("N"), payload, null, cancellationToken);

    /// <summary>Remembers that the final update left, so that a repeated finish does not send it again.</summary>
    public Task MarkFinalSentAsync(MessageAddress address, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashSetAsync(FenceKey(address), "sent", 1), cancellationToken);

    /// <summary>Whether the message has had its final update.</summary>
    public Task<bool> IsOverAsync(MessageAddress address, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashExistsAsync(FenceKey(address), "final"), cancellationToken);

    /// <summary>The newest text of a message, or null.</summary>
    public async Task<string?> FindTextAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        var sequence = await redis.RunAsync(database => database.HashGetAsync(FenceKey(address), "text"), cancellationToken);
        if (sequence.IsNull)
        {
            return null;
        }

        var entries = await redis.RunAsync(
            database => database.SortedSetRangeByScoreAsync(Key("updates", address.Channel), (double)sequence, (double)sequence), cancellationToken);
        return entries.Length == 0 ? null : Parse(address.Channel, entries[0]!, (long)sequence).Payload.Message;
    }

    /// <summary>What a client that has seen everything up to <paramref name="after"/> has missed, oldest first.</summary>
    public async Task<IReadOnlyList<Update>> ReadAsync(string channel, long after, CancellationToken cancellationToken)
    {
        var entries = await redis.RunAsync(
            database => database.SortedSetRangeByScoreWithScoresAsync(Key("updates", channel), after, double.PositiveInfinity, Exclude.Start), cancellationToken);
        var oldest = (clock.GetUtcNow() - TimeSpan.FromMinutes(options.Value.LogMinutes)).ToUnixTimeMilliseconds() / 1000.0;
        return [.. entries
            .Select(entry => Parse(channel, entry.Element!, (long)entry.Score))
            .Where(update => update.Payload.Timestamp >= oldest)];
    }

    private async Task<RecordedUpdate> RecordAsync(string channel, string fenceKey, UpdatePayload payload, string? once, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        payload = payload with { Timestamp = now.ToUnixTimeMilliseconds() / 1000.0, Sequence = null };
        var kind = payload.FinalMessage ? "final" : payload.Status == "in_progress" ? "text" : "status";
        var answer = (RedisResult[])(await redis.EvaluateAsync(
            RecordScript,
            [Key("sequence", channel), Key("updates", channel), fenceKey],
            [
                kind,
                once ?? "",
                JsonSerializer.Serialize(payload, CosmoJson.Options),
                now.ToUnixTimeMilliseconds(),
                options.Value.LogMinutes * 60,
                FenceDays * 86_400,
                SequenceDays * 86_400,
                MaximumEntries,
            ],
            cancellationToken))!;
        var sequence = long.Parse((string)answer[1]!, CultureInfo.InvariantCulture);
        return (int)answer[0] switch
        {
            0 => new RecordedUpdate(null),
            2 when (string?)answer[2] is { Length: > 0 } recorded => new RecordedUpdate(Parse(channel, recorded, sequence)),
            _ => new RecordedUpdate(new Update(channel, payload with { Sequence = sequence })),
        };
    }

    private static Update Parse(string channel, string entry, long sequence)
    {
        var payload = JsonSerializer.Deserialize<UpdatePayload>(entry[(entry.IndexOf(':') + 1)..], CosmoJson.Options)!;
        return new Update(channel, payload with { Sequence = sequence });
    }

    private string Key(string kind, string channel) => RedisKeys.ForChannel(redis.Prefix, kind, channel);

    private string FenceKey(MessageAddress address) => $"{Key("fence", address.Channel)}:{address.Attempt}:{address.MessageId}";
}

/// <param name="ToSend">The update with its sequence; null when nothing may be sent, because the message is over or it was said before.</param>
internal readonly record struct RecordedUpdate(Update? ToSend);
