using System.Globalization;
using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Threads.Index;

/// <summary>Makes the statistics from the index, in commands that cost the same for ten threads and for a million.</summary>
internal sealed class StatisticsReader(RedisConnection redis, ThreadIndexer indexer, ThreadReader reader, TimeProvider clock)
{
    /// <summary>Up to so many channels all are measured; of more, so many, evenly spread by age.</summary>
    private const int MostMeasured = 1000;

    private const int MostShown = 10;
    private const int MostNamed = 100;
    private const double Day = 86_400;

    private static readonly (string Days, double From, double To)[] Groups =
        [("0-1", 0, 1), ("1-7", 1, 7), ("7-30", 7, 30), ("30-90", 30, 90), ("90+", 90, double.PositiveInfinity)];

    private RedisKey Activity => ThreadKeys.Activity(redis.Prefix);

    public async Task<ThreadStatistics> ReadAsync(CancellationToken cancellationToken)
    {
        await indexer.RefreshIfSmallAsync(cancellationToken);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        var threads = RunAsync(database => database.HashLengthAsync(ThreadKeys.Ids(redis.Prefix)));
        var metadata = RunAsync(database => database.SortedSetLengthAsync(ThreadKeys.Messages(redis.Prefix)));
        var channels = RunAsync(database => database.SortedSetLengthAsync(Activity));
        var abandoned = RunAsync(database => database.SortedSetLengthAsync(ThreadKeys.Abandoned(redis.Prefix)));
        var totals = RunAsync(database => database.HashGetAsync(ThreadKeys.Totals(redis.Prefix), ["messages", "indexed_at"]));
        var ages = Task.WhenAll(Groups.Select(group => RunAsync(database => database.SortedSetLengthAsync(
            Activity, now - (group.To * Day), group.From == 0 ? double.PositiveInfinity : now - (group.From * Day), Exclude.Start))));
        var most = RunAsync(database => database.SortedSetRangeByRankWithScoresAsync(ThreadKeys.Messages(redis.Prefix), 0, MostShown - 1, Order.Descending));
        var oldest = FindAsync(Order.Ascending, cancellationToken);
        var newest = FindAsync(Order.Descending, cancellationToken);
        var bytes = MeasureAsync(await channels, cancellationToken);
        var unreadable = RunAsync(database => database.SortedSetLengthAsync(ThreadKeys.Unreadable(redis.Prefix)));
        var names = RunAsync(database => database.SortedSetRangeByRankAsync(ThreadKeys.Unreadable(redis.Prefix), 0, MostNamed - 1));
        await Task.WhenAll(threads, metadata, abandoned, unreadable, names, totals, ages, most, oldest, newest, bytes);

        var total = (long)(await totals)[0];
        return new ThreadStatistics(
            await threads,
            await metadata,
            Describe(await ages),
            total,
            await metadata == 0 ? 0 : Math.Round((double)total / await metadata, 2),
            [.. (await most).Select(entry => new ChannelMessages(entry.Element!, (long)entry.Score))],
            await oldest,
            await newest,
            await bytes,
            await abandoned,
            new UnreadableKeys(await unreadable, [.. (await names).Select(key => redis.Prefix + (string)key!)]),
            (await totals)[1].IsNull ? null : AtUnixSeconds(double.Parse((string)(await totals)[1]!, CultureInfo.InvariantCulture)));

        Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command) => redis.RunAsync(command, cancellationToken);
    }

    public static DateTimeOffset AtUnixSeconds(double seconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Clamp(seconds * 1000, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));

    private static AgeGroup[] Describe(long[] counts)
    {
        var all = Math.Max(1, counts.Sum());
        return [.. Groups.Zip(counts, (group, count) => new AgeGroup(group.Days, count, Math.Round(100.0 * count / all, 1)))];
    }

    private async Task<ChannelActivity?> FindAsync(Order order, CancellationToken cancellationToken)
    {
        var entries = await redis.RunAsync(database => database.SortedSetRangeByRankWithScoresAsync(Activity, 0, 0, order), cancellationToken);
        if (entries is not [var entry])
        {
            return null;
        }

        var snapshot = await reader.ReadAsync(entry.Element!, cancellationToken);
        return new ChannelActivity(entry.Element!, AtUnixSeconds(entry.Score), snapshot.Metadata?.Created is { } created ? AtUnixSeconds(created) : null);
    }

    private async Task<StoredBytes> MeasureAsync(long channels, CancellationToken cancellationToken)
    {
        var isSampled = channels > MostMeasured;
        var measured = isSampled
            ? await Task.WhenAll(Enumerable.Range(0, MostMeasured).Select(i => AtRankAsync(channels * i / MostMeasured, cancellationToken)))
            : [await redis.RunAsync(database => database.SortedSetRangeByRankAsync(Activity, 0, MostMeasured - 1), cancellationToken)];
        var names = measured.SelectMany(page => page).Select(value => (string)value!).ToList();
        var sizes = await redis.RunAsync(
            database => Task.WhenAll(names
                .SelectMany(channel => new[] { ThreadKeys.Thread(redis.Prefix, channel), ThreadKeys.Metadata(redis.Prefix, channel) })
                .Select(key => database.ExecuteAsync("MEMORY", "USAGE", key))),
            cancellationToken);
        return new StoredBytes(sizes.Sum(size => (long)size) * channels / Math.Max(1, names.Count), isSampled, names.Count);
    }

    private Task<RedisValue[]> AtRankAsync(long rank, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetRangeByRankAsync(Activity, rank, rank), cancellationToken);
}
