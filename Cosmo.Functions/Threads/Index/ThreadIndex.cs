using System.Globalization;
using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Threads.Index;

/// <summary>
/// The index of all channels: who was active when, with how many messages, on which thread. Statistics and pruning read it, so they cost what
/// they return. It follows each of Cosmo's own writes; keys that others wrote or that expired are noticed by the <see cref="ThreadIndexer"/>.
/// </summary>
internal sealed class ThreadIndex(RedisConnection redis, TimeProvider clock)
{
    /// <summary>How long a look-up keeps a thread from being removed, and a removal a thread from being found, in seconds. Longer than either takes.</summary>
    private const int HoldSeconds = 600;

    /// <summary>How many entries one script writes: well below a millisecond each hundred.</summary>
    private const int EntriesAtOnce = 100;

    private RedisKey Activity => ThreadKeys.Activity(redis.Prefix);

    private RedisKey[] Keys =>
    [
        Activity, ThreadKeys.Messages(redis.Prefix), ThreadKeys.Ids(redis.Prefix), ThreadKeys.Totals(redis.Prefix),
        ThreadKeys.Abandoned(redis.Prefix),
    ];

    /// <summary>Writes entries. What is older than what is known changes nothing.</summary>
    /// <param name="replacesThread">Whether the thread id stands in place of one that is known.</param>
    public async Task RecordAsync(IEnumerable<IndexEntry> entries, bool replacesThread, CancellationToken cancellationToken)
    {
        foreach (var some in entries.Chunk(EntriesAtOnce))
        {
            var values = new List<RedisValue> { Now(), replacesThread ? 1 : 0 };
            foreach (var entry in some)
            {
                values.AddRange([entry.Channel, entry.ThreadId ?? "", entry.Activity is { } activity ? activity : "", entry.Messages is { } messages ? messages : ""]);
            }

            await redis.EvaluateAsync(ThreadIndexScripts.Record, Keys, [.. values], cancellationToken);
        }
    }

    /// <summary>Takes a channel out, unless it has another thread by now or was active later than this.</summary>
    public Task<bool> RemoveAsync(string channel, string? threadId, double latest, CancellationToken cancellationToken) =>
        RemoveAsync(channel, threadId, latest, noThread: true, noMetadata: true, abandon: false, cancellationToken);

    /// <summary>Takes out what has expired. A thread that still stands at OpenAI is kept as abandoned.</summary>
    public Task<bool> ExpireAsync(string channel, string? threadId, double latest, bool noThread, bool noMetadata, CancellationToken cancellationToken) =>
        RemoveAsync(channel, threadId, latest, noThread, noMetadata, abandon: true, cancellationToken);

    /// <summary>Says that the channel's thread is about to be used. False if it is being removed: then the channel has none.</summary>
    public async Task<bool> TryUseAsync(string channel, CancellationToken cancellationToken) =>
        (int)await redis.EvaluateAsync(
            ThreadIndexScripts.Use, [ThreadKeys.InUse(redis.Prefix), ThreadKeys.Leaving(redis.Prefix)], [channel, Now(), HoldSeconds], cancellationToken) == 1;

    /// <summary>Says that the channel's thread is about to be removed. False if it is in use, or was active later than this.</summary>
    public async Task<bool> TryClaimAsync(string channel, double latest, bool isForced, CancellationToken cancellationToken) =>
        (int)await redis.EvaluateAsync(
            ThreadIndexScripts.Claim,
            [Activity, ThreadKeys.InUse(redis.Prefix), ThreadKeys.Leaving(redis.Prefix)],
            [channel, Now(), HoldSeconds, latest, isForced ? 1 : 0],
            cancellationToken) == 1;

    /// <summary>Ends what <see cref="TryClaimAsync"/> began.</summary>
    public Task EndClaimAsync(string channel, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetRemoveAsync(ThreadKeys.Leaving(redis.Prefix), channel), cancellationToken);

    public Task<string?> FindThreadAsync(string channel, CancellationToken cancellationToken) =>
        redis.RunAsync(async database => (string?)await database.HashGetAsync(ThreadKeys.Ids(redis.Prefix), channel), cancellationToken);

    /// <summary>How many channels were last active at this moment or before.</summary>
    public Task<long> CountAsync(double latest, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetLengthAsync(Activity, double.NegativeInfinity, latest), cancellationToken);

    /// <summary>The channels that were last active at this moment or before, the longest idle first.</summary>
    public Task<SortedSetEntry[]> ReadOldestAsync(IndexCursor after, double latest, int count, CancellationToken cancellationToken) =>
        ReadAsync(Activity, after, latest, count, cancellationToken);

    /// <summary>How many of those stand behind a cursor.</summary>
    public Task<long> CountAsync(IndexCursor after, double latest, CancellationToken cancellationToken) => CountAsync(Activity, after, latest, cancellationToken);

    /// <summary>The channels behind a cursor, the last active first.</summary>
    public Task<SortedSetEntry[]> ReadNewestAsync(IndexCursor after, int count, CancellationToken cancellationToken) => redis.RunAsync(
        database => database.SortedSetRangeByScoreWithScoresAsync(
            Activity, double.NegativeInfinity, after.Score ?? double.PositiveInfinity, order: Order.Descending, skip: after.Skip, take: count),
        cancellationToken);

    /// <summary>How many messages channels have had, null where one has no metadata.</summary>
    public async Task<IReadOnlyList<long?>> CountMessagesAsync(IEnumerable<string> channels, CancellationToken cancellationToken) =>
        [.. (await redis.RunAsync(
            database => Task.WhenAll(channels.Select(channel => database.SortedSetScoreAsync(ThreadKeys.Messages(redis.Prefix), channel))), cancellationToken)).Select(score => (long?)score)];

    /// <summary>How many threads that no channel has any more stand behind a cursor.</summary>
    public Task<long> CountAbandonedAsync(IndexCursor after, CancellationToken cancellationToken) => CountAsync(ThreadKeys.Abandoned(redis.Prefix), after, Now(), cancellationToken);

    /// <summary>Threads that no channel has any more.</summary>
    public Task<SortedSetEntry[]> ReadAbandonedAsync(IndexCursor after, int count, CancellationToken cancellationToken) =>
        ReadAsync(ThreadKeys.Abandoned(redis.Prefix), after, Now(), count, cancellationToken);

    public Task RemoveAbandonedAsync(AbandonedThread thread, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetRemoveAsync(ThreadKeys.Abandoned(redis.Prefix), thread.Member), cancellationToken);

    /// <summary>Remembers that a key, named without the prefix, is unreadable. False if that was known.</summary>
    public Task<bool> AddUnreadableAsync(string key, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetAddAsync(ThreadKeys.Unreadable(redis.Prefix), key, Now(), When.NotExists), cancellationToken);

    /// <summary>The unreadable keys, the longest known first.</summary>
    public Task<SortedSetEntry[]> ReadUnreadableAsync(IndexCursor after, int count, CancellationToken cancellationToken) =>
        ReadAsync(ThreadKeys.Unreadable(redis.Prefix), after, double.PositiveInfinity, count, cancellationToken);

    public Task RemoveUnreadableAsync(IEnumerable<string> keys, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetRemoveAsync(ThreadKeys.Unreadable(redis.Prefix), [.. keys.Select(key => (RedisValue)key)]), cancellationToken);

    /// <summary>A page of all channels with their activity, in no order; a cursor of 0 begins and ends.</summary>
    public async Task<(string Cursor, IReadOnlyList<(string Channel, double Activity)> Channels)> ScanAsync(string cursor, int count, CancellationToken cancellationToken)
    {
        var page = (RedisResult[])(await redis.RunAsync(
            database => database.ExecuteAsync("ZSCAN", Activity, cursor, "COUNT", count), cancellationToken))!;
        var values = (RedisValue[])page[1]!;
        return ((string)page[0]!, [.. values.Chunk(2).Select(pair => ((string)pair[0]!, double.Parse((string)pair[1]!, CultureInfo.InvariantCulture)))]);
    }

    /// <summary>The thread ids of channels, null where one has none.</summary>
    public async Task<IReadOnlyList<string?>> FindThreadsAsync(IEnumerable<string> channels, CancellationToken cancellationToken)
    {
        RedisValue[] fields = [.. channels.Select(channel => (RedisValue)channel)];
        return [.. (await redis.RunAsync(database => database.HashGetAsync(ThreadKeys.Ids(redis.Prefix), fields), cancellationToken)).Select(value => (string?)value)];
    }

    /// <summary>Remembers that all keys have been compared with the index now.</summary>
    public Task MarkCompleteAsync(CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.HashSetAsync(ThreadKeys.Totals(redis.Prefix), "indexed_at", Now()), cancellationToken);

    private async Task<bool> RemoveAsync(
        string channel, string? threadId, double latest, bool noThread, bool noMetadata, bool abandon, CancellationToken cancellationToken) =>
        (int)await redis.EvaluateAsync(
            ThreadIndexScripts.Remove,
            Keys,
            [Now(), channel, threadId ?? "", latest, noThread ? 1 : 0, noMetadata ? 1 : 0, abandon ? 1 : 0],
            cancellationToken) == 1;

    private async Task<long> CountAsync(RedisKey key, IndexCursor after, double latest, CancellationToken cancellationToken) => Math.Max(
        0, await redis.RunAsync(database => database.SortedSetLengthAsync(key, after.Score ?? double.NegativeInfinity, latest), cancellationToken) - after.Skip);

    private Task<SortedSetEntry[]> ReadAsync(RedisKey key, IndexCursor after, double latest, int count, CancellationToken cancellationToken) =>
        redis.RunAsync(
            database => database.SortedSetRangeByScoreWithScoresAsync(key, after.Score ?? double.NegativeInfinity, latest, skip: after.Skip, take: count),
            cancellationToken);

    private double Now() => clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
}

/// <summary>What the index knows of a channel.</summary>
/// <param name="ThreadId">Null if it has no thread.</param>
/// <param name="Activity">Unix seconds of the last message; null if nobody knows, which counts as now for a channel that is new to the index.</param>
/// <param name="Messages">Null if it has no metadata.</param>
internal sealed record IndexEntry(string Channel, string? ThreadId, double? Activity, long? Messages);

/// <summary>A thread that a channel had before, and that still stands at OpenAI.</summary>
internal sealed record AbandonedThread(string ThreadId, string Channel)
{
    /// <summary>As it stands in the index. An id has no space.</summary>
    public string Member => $"{ThreadId} {Channel}";

    public static AbandonedThread Parse(string member)
    {
        var space = member.IndexOf(' ');
        return new AbandonedThread(member[..space], member[(space + 1)..]);
    }
}

/// <summary>How far a walk through the index, in the order of its scores, has come. What it leaves in place it does not meet again.</summary>
/// <param name="Score">Where to go on; null is the beginning.</param>
/// <param name="Skip">How many with this very score were left in place.</param>
internal sealed record IndexCursor(double? Score, int Skip)
{
    public static IndexCursor Start { get; } = new(null, 0);

    /// <summary>The cursor behind what was visited, of which some was left in place.</summary>
    public IndexCursor Advance(IReadOnlyList<(SortedSetEntry Entry, bool IsLeft)> visited)
    {
        if (visited.Count == 0)
        {
            return this;
        }

        var last = visited[^1].Entry.Score;
        var skip = visited.Count(one => one.IsLeft && one.Entry.Score == last);
        return new IndexCursor(last, last == Score ? Skip + skip : skip);
    }
}
