using System.Text;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Threads.Index;

/// <summary>
/// Brings the index up to what stands in Redis: threads that the old worker wrote come in, what has expired goes out. It reads with <c>SCAN</c>, in
/// steps, renews nothing, and may run as often and as many times at once as it likes.
/// </summary>
internal sealed class ThreadIndexer(RedisConnection redis, ThreadIndex index, ThreadReader reader, ILogger<ThreadIndexer> logger)
{
    /// <summary>Up to so many keys, statistics and dry runs compare all of them themselves, and so are exact at once.</summary>
    private const long SmallDatabase = 10_000;

    /// <summary>Keys that one <c>SCAN</c> looks at: a fraction of a millisecond of the server.</summary>
    private const int PageSize = 500;

    private const int KeysAStep = 20_000;
    private const int EntriesAStep = 10_000;

    /// <summary>Compares everything if the database is small.</summary>
    public async Task RefreshIfSmallAsync(CancellationToken cancellationToken)
    {
        if (await redis.CountKeysAsync(cancellationToken) > SmallDatabase)
        {
            return;
        }

        for (var position = IndexPosition.Start; !position.IsComplete;)
        {
            position = (await StepAsync(position, cancellationToken)).Next;
        }
    }

    /// <summary>Compares some more.</summary>
    public async Task<IndexStep> StepAsync(IndexPosition position, CancellationToken cancellationToken)
    {
        if (position.Sweep is { } cursor)
        {
            return await SweepAsync(position, cursor, cancellationToken);
        }

        var pattern = EscapePattern(redis.Prefix) + "[tm][he][rt]*";
        var servers = await redis.FindMastersAsync(cancellationToken);
        if (position.Server >= servers.Count)
        {
            return new IndexStep(0, 0, position with { Sweep = "0" });
        }

        var scan = new KeyScan(servers[position.Server], redis.Database, pattern, PageSize);
        var keys = 0L;
        var next = position.Cursor;
        do
        {
            (next, var page) = await scan.ReadAsync(next, cancellationToken);
            keys += await IndexAsync(page, cancellationToken);
        }
        while (next != 0 && keys < KeysAStep);

        return new IndexStep(keys, 0, next != 0 ? position with { Cursor = next } : position with { Server = position.Server + 1, Cursor = 0 });
    }

    /// <summary>What the characters of a prefix mean is themselves, not what they mean in a pattern.</summary>
    internal static string EscapePattern(string text) =>
        text.Aggregate(new StringBuilder(), (pattern, c) => (c is '*' or '?' or '[' or ']' or '\\' ? pattern.Append('\\') : pattern).Append(c)).ToString();

    private async Task<int> IndexAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var threads = ChannelsOf(keys, ThreadKeys.ThreadStart(redis.Prefix));
        var metadata = ChannelsOf(keys, ThreadKeys.MetadataStart(redis.Prefix));
        foreach (var channels in threads.Union(metadata).Chunk(PageSize))
        {
            var snapshots = await reader.ReadAsync(channels, cancellationToken);
            await index.RecordAsync(snapshots.Where(snapshot => snapshot.Exists).Select(snapshot => snapshot.ToEntry()), replacesThread: false, cancellationToken);
            foreach (var key in snapshots.SelectMany(snapshot => snapshot.Unreadable))
            {
                if (await index.AddUnreadableAsync(key, cancellationToken))
                {
                    logger.KeyUnreadable(redis.Prefix + key);
                }
            }
        }

        return threads.Count + metadata.Count;
    }

    private static List<string> ChannelsOf(IReadOnlyList<string> keys, string start) =>
        [.. keys.Where(key => key.StartsWith(start, StringComparison.Ordinal)).Select(key => key[start.Length..])];

    /// <summary>Looks whether the channels of the index still have their keys.</summary>
    private async Task<IndexStep> SweepAsync(IndexPosition position, string cursor, CancellationToken cancellationToken)
    {
        var (seen, expired) = (0L, 0L);
        do
        {
            (cursor, var channels) = await index.ScanAsync(cursor, PageSize, cancellationToken);
            var names = channels.Select(entry => entry.Channel).ToList();
            var ids = await index.FindThreadsAsync(names, cancellationToken);
            var snapshots = await reader.ReadAsync(names, cancellationToken);
            for (var i = 0; i < snapshots.Length; i++)
            {
                var (thread, metadata) = (snapshots[i].ThreadId, snapshots[i].MetadataText);
                if (metadata is not null && snapshots[i].Metadata?.Messages is null)
                {
                    // What was counted before it became unreadable.
                    await index.ExpireAsync(names[i], ids[i], channels[i].Activity, noThread: false, noMetadata: true, cancellationToken);
                }

                if (thread is null || metadata is null)
                {
                    expired += await index.ExpireAsync(
                        names[i], ids[i], channels[i].Activity, noThread: thread is null, noMetadata: metadata is null, cancellationToken) ? 1 : 0;
                }
            }

            seen += channels.Count;
        }
        while (cursor != "0" && seen < EntriesAStep);

        if (cursor != "0")
        {
            return new IndexStep(0, expired, position with { Sweep = cursor });
        }

        await SweepUnreadableAsync(cancellationToken);
        await index.MarkCompleteAsync(cancellationToken);
        return new IndexStep(0, expired, position with { IsComplete = true });
    }

    /// <summary>Forgets the keys that can be read by now, or are gone.</summary>
    private async Task SweepUnreadableAsync(CancellationToken cancellationToken)
    {
        var cursor = IndexCursor.Start;
        while (true)
        {
            var entries = await index.ReadUnreadableAsync(cursor, PageSize, cancellationToken);
            if (entries.Length == 0)
            {
                return;
            }

            var snapshots = await reader.ReadAsync(entries.Select(entry => ThreadKeys.ChannelOf(entry.Element!)).Distinct(), cancellationToken);
            var unreadable = snapshots.SelectMany(snapshot => snapshot.Unreadable).ToHashSet();
            await index.RemoveUnreadableAsync(entries.Select(entry => (string)entry.Element!).Where(key => !unreadable.Contains(key)), cancellationToken);
            cursor = cursor.Advance([.. entries.Select(entry => (entry, unreadable.Contains((string)entry.Element!)))]);
        }
    }
}

/// <summary>How far a comparison of the keys with the index has come: first the keys of each server, then the entries of the index.</summary>
/// <param name="Server">Which of the servers, by name.</param>
/// <param name="Cursor">Where in its keys; 0 is the beginning.</param>
/// <param name="Sweep">Where in the index; null while the keys are not through.</param>
/// <param name="IsComplete">Everything was compared.</param>
internal sealed record IndexPosition(int Server, long Cursor, string? Sweep, bool IsComplete)
{
    public static IndexPosition Start { get; } = new(0, 0, null, false);
}

/// <param name="Keys">How many of the contract's keys were looked at.</param>
/// <param name="Expired">How many entries had lost a key.</param>
/// <param name="Next">Where to go on.</param>
internal sealed record IndexStep(long Keys, long Expired, IndexPosition Next);
