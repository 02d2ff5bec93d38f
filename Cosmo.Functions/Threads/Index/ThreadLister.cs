using System.Globalization;
using StackExchange.Redis;

namespace Cosmo.Functions.Threads.Index;

/// <summary>Lists and searches the channels of the index, page by page, the last active first. It holds a page at a time, whatever there is.</summary>
internal sealed class ThreadLister(ThreadIndex index, ThreadIndexer indexer)
{
    /// <summary>So many channels a page has at most.</summary>
    public const int MostThreads = 500;

    /// <summary>So many channels are read with one command.</summary>
    private const int ReadAtOnce = 500;

    /// <summary>So many channels are looked at for one page; what is not found in them is the next page's.</summary>
    private const int MostLookedAt = 10_000;

    /// <summary>A page of channels, and where the next begins.</summary>
    /// <param name="search">What the channel's name or its thread's id has in it, whatever the case; empty for all.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="after">Where the page begins.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<ThreadPage> ReadAsync(string search, int limit, IndexCursor after, CancellationToken cancellationToken)
    {
        if (after == IndexCursor.Start)
        {
            await indexer.RefreshIfSmallAsync(cancellationToken);
        }

        var found = new List<(string Channel, double Activity, string? ThreadId)>();
        for (var lookedAt = 0; lookedAt < MostLookedAt; lookedAt += ReadAtOnce)
        {
            var entries = await index.ReadNewestAsync(after, search.Length == 0 ? limit : ReadAtOnce, cancellationToken);
            var threads = await index.FindThreadsAsync(entries.Select(entry => (string)entry.Element!), cancellationToken);
            foreach (var (entry, threadId) in entries.Zip(threads))
            {
                after = after.Advance([(entry, true)]);
                if (IsMeant((string)entry.Element!, threadId, search))
                {
                    found.Add(((string)entry.Element!, entry.Score, threadId));
                    if (found.Count == limit)
                    {
                        return await DescribeAsync(found, after, cancellationToken);
                    }
                }
            }

            if (entries.Length < ReadAtOnce)
            {
                return await DescribeAsync(found, null, cancellationToken);
            }
        }

        return await DescribeAsync(found, after, cancellationToken);
    }

    private static bool IsMeant(string channel, string? threadId, string search) =>
        channel.Contains(search, StringComparison.OrdinalIgnoreCase) || threadId?.Contains(search, StringComparison.OrdinalIgnoreCase) == true;

    private async Task<ThreadPage> DescribeAsync(List<(string Channel, double Activity, string? ThreadId)> found, IndexCursor? next, CancellationToken cancellationToken)
    {
        var messages = await index.CountMessagesAsync(found.Select(one => one.Channel), cancellationToken);
        return new ThreadPage(
            [.. found.Zip(messages, (one, count) => new ListedThread(one.Channel, one.ThreadId, StatisticsReader.AtUnixSeconds(one.Activity), count))], next is null ? null : Write(next));
    }

    /// <summary>The cursor as an answer gives it.</summary>
    private static string Write(IndexCursor cursor) => FormattableString.Invariant($"{cursor.Score:R}~{cursor.Skip}");

    /// <summary>A cursor that an answer gave; the beginning for none, null for what is no cursor.</summary>
    public static IndexCursor? Read(string text) =>
        text.Length == 0 ? IndexCursor.Start
        : text.Split('~') is [var score, var skip]
            && double.TryParse(score, NumberStyles.Float, CultureInfo.InvariantCulture, out var at) && double.IsFinite(at)
            && int.TryParse(skip, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? new IndexCursor(at, number)
        : null;
}

/// <param name="Next">Where the next page begins; null if there is none.</param>
internal sealed record ThreadPage(IReadOnlyList<ListedThread> Threads, string? Next);

/// <summary>A channel of the index.</summary>
/// <param name="ThreadId">Null if it has none.</param>
/// <param name="MessageCount">Null if it has no metadata.</param>
internal sealed record ListedThread(string Channel, string? ThreadId, DateTimeOffset LastMessageAt, long? MessageCount);
