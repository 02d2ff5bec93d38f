using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Turns;

/// <summary>Where a message stands in its channel.</summary>
internal enum TurnPlace
{
    /// <summary>It is its turn.</summary>
    Head,

    /// <summary>Others are before it.</summary>
    Waiting,

    /// <summary>Too many wait already.</summary>
    Refused,

    /// <summary>This message was scheduled before.</summary>
    ScheduledBefore,
}

/// <summary>
/// Lets the messages of a channel be answered one at a time, in the order of delivery: a Redis list of instance ids, whose head has the
/// turn for as long as its lease. A list that Redis loses costs order, not messages.
/// </summary>
internal sealed class TurnQueue(RedisConnection redis, IOptions<AnsweringOptions> options, TimeProvider clock)
{
    /// <summary>What the head has left after its deadline to say that it failed.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    private const string TakeScript = """
        local list, lease, message, attempt, ending = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
        local ticket, now, duration, most, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
        if redis.call('HEXISTS', message, 'scheduled') == 1 or redis.call('HEXISTS', message, 'owner') == 1 then return 'ScheduledBefore' end
        local waiting = redis.call('LRANGE', list, 0, -1)
        for place, other in ipairs(waiting) do
          if other == ticket then return place == 1 and 'Head' or 'Waiting' end
        end
        if #waiting == 1 and redis.call('GET', ending) == waiting[1] then most = math.max(most, 1) end
        if #waiting > most then return 'Refused' end
        redis.call('SET', attempt, ARGV[6], 'EX', kept)
        redis.call('RPUSH', list, ticket)
        redis.call('EXPIRE', list, kept)
        if #waiting > 0 then return 'Waiting' end
        redis.call('SET', lease, now + duration, 'EX', kept)
        return 'Head'
        """;

    /// <summary>
    /// Removes a head that is known to be gone or whose lease has run out; answers the head that is left. A message that another orchestration
    /// owns takes no place again: this orchestration is told that it is its turn, and finds out.
    /// </summary>
    private const string CheckScript = """
        local list, lease, message = KEYS[1], KEYS[2], KEYS[3]
        local ticket, now, duration, gone, kept, run = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
        local found = false
        for _, other in ipairs(redis.call('LRANGE', list, 0, -1)) do
          if other == ticket then found = true end
        end
        if not found then
          local owner = redis.call('HGET', message, 'owner')
          if owner and owner ~= run then return ticket end
          redis.call('RPUSH', list, ticket)
        end
        redis.call('EXPIRE', list, kept)
        local head = redis.call('LINDEX', list, 0)
        local ends = tonumber(redis.call('GET', lease) or '0')
        if head ~= ticket and (head == gone or ends <= now) then
          redis.call('LPOP', list)
          head = redis.call('LINDEX', list, 0)
          ends = 0
        end
        if ends <= now then redis.call('SET', lease, now + duration, 'EX', kept) end
        return head
        """;

    private const string ReleaseScript = """
        local list, lease = KEYS[1], KEYS[2]
        local ticket, now, duration, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
        local was = redis.call('LINDEX', list, 0)
        redis.call('LREM', list, 0, ticket)
        local head = redis.call('LINDEX', list, 0)
        if not head then
          redis.call('DEL', lease)
          return ''
        end
        if was == ticket then redis.call('SET', lease, now + duration, 'EX', kept) end
        return head
        """;

    private double LeaseMilliseconds => (options.Value.Deadlines.Overall + Grace).TotalMilliseconds;

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Takes a place in the channel for an orchestration; taking it again gives the same place.</summary>
    public async Task<TurnPlace> TakeAsync(MessageAddress address, string instanceId, int maxWaiting, CancellationToken cancellationToken)
    {
        var place = await redis.EvaluateAsync(
            TakeScript, Keys(address), [instanceId, Now, LeaseMilliseconds, maxWaiting, (long)Kept.TotalSeconds, address.Attempt], cancellationToken);
        return Enum.Parse<TurnPlace>((string)place!);
    }

    /// <summary>Remembers that the message's orchestration exists, for a worker that has another Durable store.</summary>
    public Task MarkScheduledAsync(MessageAddress address, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(
            "redis.call('HSET', KEYS[1], 'scheduled', 1) redis.call('EXPIRE', KEYS[1], ARGV[1])",
            [MessageKey(address)], [(long)Kept.TotalSeconds], cancellationToken);

    /// <summary>Of several orchestrations of one message the first to ask owns it; it may ask again.</summary>
    public async Task<bool> ClaimAsync(MessageAddress address, string runId, CancellationToken cancellationToken)
    {
        var owner = await redis.EvaluateAsync(
            "redis.call('HSETNX', KEYS[1], 'owner', ARGV[1]) redis.call('EXPIRE', KEYS[1], ARGV[2]) return redis.call('HGET', KEYS[1], 'owner')",
            [MessageKey(address)], [runId, (long)Kept.TotalSeconds], cancellationToken);
        return (string?)owner == runId;
    }

    /// <summary>Who has the turn now. An orchestration whose place was lost gets one at the end.</summary>
    /// <param name="gone">A head that is known to have ended without giving its turn back; null when none is.</param>
    public async Task<string> HeadAsync(MessageAddress address, string instanceId, string runId, string? gone, CancellationToken cancellationToken)
    {
        var head = await redis.EvaluateAsync(
            CheckScript, Keys(address)[..3], [instanceId, Now, LeaseMilliseconds, gone ?? "", (long)Kept.TotalSeconds, runId], cancellationToken);
        return (string)head!;
    }

    /// <summary>
    /// Says that a message is about to be over: where a busy channel rejects, one that comes between its final update and the end of its turn waits
    /// those milliseconds.
    /// </summary>
    public Task AnnounceEndAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken) =>
        options.Value.WhenBusy == AnsweringOptions.Reject
            ? redis.RunAsync(database => database.StringSetAsync(EndingKey(address.Channel), instanceId, Grace), cancellationToken)
            : Task.CompletedTask;

    /// <summary>Gives the turn, or the place, back. Returns the instance whose turn it is now, or null.</summary>
    public async Task<string?> ReleaseAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken)
    {
        var next = await redis.EvaluateAsync(
            ReleaseScript, Keys(address)[..2], [instanceId, Now, LeaseMilliseconds, (long)Kept.TotalSeconds], cancellationToken);
        return (string?)next is { Length: > 0 } instance ? instance : null;
    }

    /// <summary>The instances that have their turn before this one.</summary>
    public async Task<IReadOnlyList<string>> FindBeforeAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken)
    {
        var waiting = await redis.RunAsync(database => database.ListRangeAsync(Keys(address)[0]), cancellationToken);
        return [.. waiting.Select(ticket => (string)ticket!).TakeWhile(ticket => ticket != instanceId)];
    }

    /// <summary>The newest attempt at a message that took a place, or null.</summary>
    public async Task<int?> FindAttemptAsync(string channel, string messageId, CancellationToken cancellationToken) =>
        (int?)await redis.RunAsync(database => database.StringGetAsync(AttemptKey(channel, messageId)), cancellationToken);

    private RedisKey[] Keys(MessageAddress address) =>
    [
        RedisKeys.ForChannel(redis.Prefix, "turns", address.Channel),
        RedisKeys.ForChannel(redis.Prefix, "turn", address.Channel),
        MessageKey(address),
        AttemptKey(address.Channel, address.MessageId),
        EndingKey(address.Channel),
    ];

    private string EndingKey(string channel) => RedisKeys.ForChannel(redis.Prefix, "ending", channel);

    private string AttemptKey(string channel, string messageId) => $"{RedisKeys.ForChannel(redis.Prefix, "attempt", channel)}:{messageId}";

    private string MessageKey(MessageAddress address) => MessageMemory.Key(redis.Prefix, address);
}
