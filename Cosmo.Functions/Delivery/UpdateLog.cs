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

    /// <summary>What is no message's fence is asked by nobody.</summary>
    private const int NoFenceSeconds = 1;
    private const int SequenceDays = 90;

    /// <summary>
    /// The function <c>record(keys, args)</c> of Lua, for this and for scripts that do more in the same step. Its keys and arguments are an <see cref="LogEntry"/>'s.
    /// A counter that Redis lost starts again at the clock's milliseconds, so that it grows all the same: a client that has seen a higher number
    /// would take everything after for old. So does one that was not used for as long as the log goes back: a Redis that was set back to a backup may have it.
    /// Answers {outcome, sequence, the update if it was recorded before, what is unsettled, until when somebody listens for deltas, the sequence of the message's
    /// text before}: 1 recorded, 2 recorded before but not known as sent, 0 behind the fence or said before. What is not final stays noted as under way until it is
    /// settled; for a final update, unsettled are the sequences of those, each with its age in milliseconds by Redis's clock. That something was recorded is published,
    /// and no more than that: who hears it reads the log.
    /// </summary>
    public const string RecordFunction = """
        local function milliseconds()
          local time = redis.call('TIME')
          return time[1] * 1000 + math.floor(time[2] / 1000)
        end

        local function unsettled(fence)
          local found, now, fields = {}, milliseconds(), redis.call('HGETALL', fence)
          for i = 1, #fields, 2 do
            local sequence = string.match(fields[i], '^way:(%d+)$')
            if sequence then
              table.insert(found, sequence)
              table.insert(found, now - tonumber(fields[i + 1]))
            end
          end
          return found
        end

        local function record(keys, args)
          local counter, log, fence, deltas = unpack(keys, 1, 4)
          local kind, once, entry, now = args[1], args[2], args[3], args[4]
          local final = redis.call('HMGET', fence, 'final', 'sent')
          if final[1] then
            if kind == 'final' and not final[2] then
              local recorded = redis.call('ZRANGEBYSCORE', log, final[1], final[1])
              return {2, final[1], recorded[1] or '', unsettled(fence), redis.call('GET', deltas)}
            end
            return {0, final[1], ''}
          end
          if once ~= '' and redis.call('HSETNX', fence, 'once:' .. once, '1') == 0 then return {0, '0', ''} end
          local idle = tonumber(args[7]) * 1000 - redis.call('PTTL', counter)
          local sequence = redis.call('INCR', counter)
          local least = args[10]
          if (sequence == 1 or idle > tonumber(args[5]) * 1000) and tonumber(now) > tonumber(least) then least = now end
          if sequence < tonumber(least) then
            redis.call('SET', counter, least)
            sequence = least
          end
          redis.call('EXPIRE', counter, args[7])
          local text = false
          if kind ~= 'status' then
            text = redis.call('HGET', fence, 'text')
            if text then redis.call('ZREMRANGEBYSCORE', log, text, text) end
            if kind == 'text' then redis.call('HSET', fence, 'text', sequence) else redis.call('HSET', fence, 'final', sequence) end
          end
          if kind ~= 'final' then redis.call('HSET', fence, 'way:' .. sequence, string.format('%.0f', milliseconds())) end
          redis.call('ZADD', log, sequence, sequence .. ':' .. entry)
          redis.call('ZREMRANGEBYRANK', log, 0, -1 - tonumber(args[8]))
          redis.call('EXPIRE', log, args[5])
          redis.call('EXPIRE', fence, args[6])
          redis.call('PUBLISH', args[9], sequence)
          return {1, sequence, '', kind == 'final' and unsettled(fence) or {}, redis.call('GET', deltas), text}
        end

        """;

    /// <summary>Two updates of one message, one right behind the other.</summary>
    private const string RecordBothScript = RecordFunction + """
        local size = #ARGV / 2
        return {record(KEYS, {unpack(ARGV, 1, size)}), record(KEYS, {unpack(ARGV, size + 1)})}
        """;

    /// <summary>
    /// Answers nothing while the message has not ended, else {sequence, whether the final update was sent, the update if it is still kept, what is unsettled, until when
    /// somebody listens for deltas}.
    /// </summary>
    private const string EndScript = RecordFunction + """
        local final = redis.call('HMGET', KEYS[2], 'final', 'sent')
        if not final[1] then return false end
        return {final[1], final[2] and 1 or 0, redis.call('ZRANGEBYSCORE', KEYS[1], final[1], final[1])[1] or '', unsettled(KEYS[2]), redis.call('GET', KEYS[3])}
        """;

    /// <summary>Gives the update its sequence and keeps it, unless the message has had its final update.</summary>
    /// <param name="address">The message; its fence is asked and, by a final update, closed.</param>
    /// <param name="payload">What to record.</param>
    /// <param name="once">When set, an update with this key is recorded once for the message.</param>
    public Task<RecordedUpdate> RecordAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken) =>
        RecordAsync(EntryOf(address, payload, once), cancellationToken);

    /// <summary>The same for two updates, one right behind the other, in one step; the first one's status is said once for the message.</summary>
    public async Task<(RecordedUpdate First, RecordedUpdate Second)> RecordBothAsync(
        MessageAddress address, UpdatePayload first, UpdatePayload second, CancellationToken cancellationToken)
    {
        var (one, two) = (EntryOf(address, first, first.Status), EntryOf(address, second, once: null));
        var answers = (RedisResult[])(await redis.EvaluateAsync(RecordBothScript, one.Keys, [.. one.Values, .. two.Values], cancellationToken))!;
        return (Read(answers[0], one), Read(answers[1], two));
    }

    /// <summary>What <see cref="RecordFunction"/> needs to record an update of a message.</summary>
    /// <inheritdoc cref="RecordAsync(MessageAddress, UpdatePayload, string?, CancellationToken)" path="/param" />
    public LogEntry EntryOf(MessageAddress address, UpdatePayload payload, string? once) => EntryOf(address.Channel, FenceKey(address), FenceDays * 86_400, payload, once);

    /// <summary>Records an update about a message that was never taken in, and so has no fence of its own.</summary>
    public Task<RecordedUpdate> RecordUnfencedAsync(string channel, UpdatePayload payload, CancellationToken cancellationToken) =>
        RecordAsync(EntryOf(channel, $"{Key("fence", channel)}:rejected:{Guid.NewGuid():N}", NoFenceSeconds, payload, null), cancellationToken);

    /// <summary>Remembers that the final update left, so that a repeated finish does not send it again.</summary>
    public Task MarkFinalSentAsync(MessageAddress address, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashSetAsync(FenceKey(address), "sent", 1), cancellationToken);

    /// <summary>
    /// Notes that an update which is not final is no longer under way: it has left, or will not leave any more. It is not waited for that Redis has noted it; what is asked
    /// of Redis after it comes after it there, too.
    /// </summary>
    public Task SettleAsync(MessageAddress address, long sequence) =>
        redis.RunAsync(
            database => database.HashDeleteAsync(FenceKey(address), $"way:{sequence.ToString(CultureInfo.InvariantCulture)}", CommandFlags.FireAndForget), CancellationToken.None);

    /// <summary>Whether the message has had its final update.</summary>
    public Task<bool> IsOverAsync(MessageAddress address, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashExistsAsync(FenceKey(address), "final"), cancellationToken);

    /// <summary>How the message ended; null while it has not.</summary>
    public async Task<RecordedEnd?> FindEndAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        var answer = await redis.EvaluateAsync(
            EndScript, [Key("updates", address.Channel), FenceKey(address), DeltaListeners.Key(redis.Prefix, address.Channel)], [], cancellationToken);
        return answer.IsNull
            ? null
            : new RecordedEnd(
                (string?)answer[2] is { Length: > 0 } entry ? Parse(address.Channel, entry, (long)answer[0]) with { DeltasUntil = DeltasUntilIn(answer) } : null,
                (int)answer[1] == 1, UnsettledIn(answer));
    }

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

    /// <summary>The sequence of the newest update of a channel; 0 if there was none.</summary>
    public async Task<long> FindNewestAsync(string channel, CancellationToken cancellationToken) =>
        (long?)await redis.RunAsync(database => database.StringGetAsync(Key("sequence", channel)), cancellationToken) ?? 0;

    private async Task<RecordedUpdate> RecordAsync(LogEntry entry, CancellationToken cancellationToken) =>
        Read(await redis.EvaluateAsync(RecordFunction + "return record(KEYS, ARGV)", entry.Keys, entry.Values, cancellationToken), entry);

    /// <summary>What became of an entry, from the answer of <see cref="RecordFunction"/>.</summary>
    public static RecordedUpdate Read(RedisResult answer, LogEntry entry)
    {
        var (channel, payload) = entry.Update;
        var sequence = long.Parse((string)answer[1]!, CultureInfo.InvariantCulture);
        return (int)answer[0] switch
        {
            0 => new RecordedUpdate(null, []),
            2 when (string?)answer[2] is { Length: > 0 } recorded =>
                new RecordedUpdate(Parse(channel, recorded, sequence) with { DeltasUntil = DeltasUntilIn(answer) }, UnsettledIn(answer)),
            _ => new RecordedUpdate(new Update(channel, payload with { Sequence = sequence }) { DeltasUntil = DeltasUntilIn(answer) }, UnsettledIn(answer))
            {
                TextBefore = answer.Length > 5 ? (long?)answer[5] : null,
            },
        };
    }

    private static DateTimeOffset? DeltasUntilIn(RedisResult answer) => (long?)answer[4] is { } until ? DateTimeOffset.FromUnixTimeMilliseconds(until) : null;

    private static IReadOnlyList<UnsettledUpdate> UnsettledIn(RedisResult answer)
    {
        var pairs = (long[])answer[3]!;
        return [.. Enumerable.Range(0, pairs.Length / 2).Select(i => new UnsettledUpdate(pairs[2 * i], TimeSpan.FromMilliseconds(pairs[(2 * i) + 1])))];
    }

    private LogEntry EntryOf(string channel, string fenceKey, int fenceSeconds, UpdatePayload payload, string? once)
    {
        var now = clock.GetUtcNow();
        payload = payload with { Timestamp = now.ToUnixTimeMilliseconds() / 1000.0, Sequence = null };
        return new LogEntry(
            new Update(channel, payload),
            [.. KeysOf(channel), fenceKey, DeltaListeners.Key(redis.Prefix, channel)],
            [
                payload.FinalMessage ? "final" : payload.IsText ? "text" : "status",
                once ?? "",
                JsonSerializer.Serialize(payload, CosmoJson.Options),
                now.ToUnixTimeMilliseconds(),
                options.Value.LogMinutes * 60,
                fenceSeconds,
                SequenceDays * 86_400,
                MaximumEntries,
                redis.Prefix + SaidIn(channel),
                redis.LostSightAt,
            ]);
    }

    private static Update Parse(string channel, string entry, long sequence)
    {
        var payload = JsonSerializer.Deserialize<UpdatePayload>(entry[(entry.IndexOf(':') + 1)..], CosmoJson.Options)!;
        return new Update(channel, payload with { Sequence = sequence });
    }

    /// <summary>Says, until it is disposed of, that there is something new in the log of a channel. Now and then that goes unsaid: who must know looks.</summary>
    public Task<IAsyncDisposable> ListenAsync(string channel, Action heard, CancellationToken cancellationToken) => redis.ListenAsync(SaidIn(channel), heard, cancellationToken);

    private static string SaidIn(string channel) => $"said:{channel}";

    /// <summary>What is kept of a channel, whichever its messages are.</summary>
    public RedisKey[] KeysOf(string channel) => [Key("sequence", channel), Key("updates", channel)];

    private string Key(string kind, string channel) => RedisKeys.ForChannel(redis.Prefix, kind, channel);

    /// <summary>A hash that has the field <c>final</c> from the end of the message on.</summary>
    public string FenceKey(MessageAddress address) => $"{Key("fence", address.Channel)}:{address.Attempt}:{address.MessageId}";
}

/// <summary>An update on its way into the log: the keys, which share the channel's hash slot, and the arguments of the script.</summary>
internal sealed record LogEntry(Update Update, RedisKey[] Keys, RedisValue[] Values);

/// <param name="Update">The final update; null if it is not kept any more.</param>
/// <param name="IsSent">It is known to have left.</param>
/// <param name="Unsettled">What was recorded before it and may still be under way.</param>
internal sealed record RecordedEnd(Update? Update, bool IsSent, IReadOnlyList<UnsettledUpdate> Unsettled);

/// <param name="ToSend">The update with its sequence; null when nothing may be sent, because the message is over or it was said before.</param>
/// <param name="Unsettled">Of a final update: what was recorded before it and may still be under way.</param>
internal readonly record struct RecordedUpdate(Update? ToSend, IReadOnlyList<UnsettledUpdate> Unsettled)
{
    /// <summary>Of a text: the text of the same message that was recorded before it, by whomever; null if there was none.</summary>
    public long? TextBefore { get; init; }
}

/// <param name="Sequence">The update.</param>
/// <param name="Age">How long ago it was recorded.</param>
internal readonly record struct UnsettledUpdate(long Sequence, TimeSpan Age);
