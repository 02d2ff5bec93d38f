using System.Globalization;
using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Terminal.Planning;
using DurableTask.Core;
using StackExchange.Redis;

namespace Cosmo.Bench;

/// <summary>What the functions keep: how much that is, and how it comes to be much.</summary>
internal sealed class Stores(Stack stack)
{
    private const string Prefix = "cosmo:";

    /// <summary>What follows the name of the Durable store's database in those of its files.</summary>
    private static readonly string[] Files = ["", "-wal", "-shm"];

    /// <summary>Keys that are sent before the answers are waited for.</summary>
    private const int AtOnce = 5_000;

    /// <summary>The age of the oldest instance that is put there; younger than what is purged.</summary>
    private static readonly TimeSpan Oldest = TimeSpan.FromDays(6);

    /// <summary>Bytes of the Durable store's files.</summary>
    public long DurableBytes => Files.Select(end => new FileInfo(stack.Database + end)).Where(file => file.Exists).Sum(file => file.Length);

    /// <summary>Keys of Redis, and bytes that they take with all that Redis needs for them.</summary>
    public async Task<(long Keys, long Bytes)> RedisAsync()
    {
        await using var redis = await ConnectAsync();
        var memory = (string)(await redis.GetDatabase().ExecuteAsync("INFO", "memory"))!;
        var used = memory.Split('\n').First(line => line.StartsWith("used_memory:", StringComparison.Ordinal)).Split(':')[1];
        return ((long)await redis.GetDatabase().ExecuteAsync("DBSIZE"), long.Parse(used, CultureInfo.InvariantCulture));
    }

    /// <summary>All keys of Redis.</summary>
    public async Task<HashSet<string>> KeysAsync()
    {
        await using var redis = await ConnectAsync();
        return [.. redis.GetServers()[0].Keys(pageSize: AtOnce).Select(key => (string)key!)];
    }

    /// <summary>Takes everything out of Redis. Nothing may be under way.</summary>
    public async Task ClearRedisAsync()
    {
        await using var redis = await ConnectAsync();
        await redis.GetDatabase().ExecuteAsync("FLUSHDB", "ASYNC");
    }

    /// <summary>Threads of channels that nobody speaks in, with their places in the index: the keys of the contract and those of <c>ThreadIndex</c>, as the app writes them.</summary>
    public async Task FillThreadsAsync(int count, CancellationToken cancellationToken)
    {
        await using var redis = await ConnectAsync();
        var database = redis.GetDatabase();
        var expiry = TimeSpan.FromDays(90);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
        for (var begin = 0; begin < count; begin += AtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var some = Enumerable.Range(begin, Math.Min(AtOnce, count - begin)).Select(i => (
                Channel: string.Create(CultureInfo.InvariantCulture, $"filled-{i:D9}"),
                Thread: string.Create(CultureInfo.InvariantCulture, $"conv_{i:D48}"),
                Messages: (i % 50) + 1,
                At: now - (Oldest.TotalSeconds * i / count))).ToList();
            var sent = new List<Task>();
            foreach (var (channel, thread, messages, at) in some)
            {
                sent.Add(database.StringSetAsync($"{Prefix}thread:{channel}", thread, expiry));
                sent.Add(database.StringSetAsync(
                    $"{Prefix}metadata:{channel}",
                    FormattableString.Invariant($$"""{"created_at":{{at}},"message_count":{{messages}},"last_message_at":{{at}},"last_message_id":"m{{messages}}"}"""),
                    expiry));
            }

            sent.Add(database.SortedSetAddAsync($"{Prefix}{{threads}}:activity", [.. some.Select(one => new SortedSetEntry(one.Channel, one.At))]));
            sent.Add(database.SortedSetAddAsync($"{Prefix}{{threads}}:messages", [.. some.Select(one => new SortedSetEntry(one.Channel, one.Messages))]));
            sent.Add(database.HashSetAsync($"{Prefix}{{threads}}:ids", [.. some.Select(one => new HashEntry(one.Channel, one.Thread))]));
            sent.Add(database.HashIncrementAsync($"{Prefix}{{threads}}:totals", "messages", some.Sum(one => one.Messages)));
            await Task.WhenAll(sent);
        }
    }

    /// <summary>Empties the Durable store. The functions must not run.</summary>
    public void ClearInstances()
    {
        foreach (var end in Files)
        {
            File.Delete(stack.Database + end);
        }
    }

    /// <summary>Copies the last answer that is whole, with its history, so many times. The functions must not run: nothing is written that a crash could mend.</summary>
    public void FillInstances(int count)
    {
        if (count == 0)
        {
            return;
        }

        using var session = Open();
        session.Execute("PRAGMA journal_mode = OFF");
        session.Execute("PRAGMA synchronous = OFF");
        session.Execute("BEGIN");
        var last = session.Find("SELECT max(id) FROM instances", row => row.Long(0));
        var copied = session.Find("SELECT max(id) FROM instances WHERE name = 'AnswerMessage' AND status = ?1", row => row.Long(0), (int)OrchestrationStatus.Completed);
        const string Numbers = "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?1)";
        session.Execute(
            $"""
            {Numbers}
            INSERT INTO instances (id, instance_id, execution_id, name, version, status, created_at, updated_at, completed_at, start_at, custom_status, parent, tags, input, output, failure)
            SELECT ?2 + i, printf('filled-%09d', i), execution_id, name, version, status, created_at - (?1 - i) * ?4, updated_at - (?1 - i) * ?4, completed_at - (?1 - i) * ?4,
                start_at, custom_status, parent, tags, input, output, failure
            FROM numbers CROSS JOIN instances WHERE id = ?3
            """,
            count,
            last,
            copied,
            Oldest.Ticks / count);
        session.Execute($"{Numbers} INSERT INTO history (id, step, events) SELECT ?2 + i, step, events FROM numbers CROSS JOIN history WHERE id = ?3", count, last, copied);
        session.Execute("COMMIT");
        session.Execute("PRAGMA journal_mode = WAL");
    }

    /// <summary>The number of the newest instance; later ones have higher ones.</summary>
    public long NewestInstance()
    {
        using var session = Open();
        return session.Find("SELECT coalesce(max(id), 0) FROM instances", row => row.Long(0));
    }

    /// <summary>How many Durable actions each answer took that began after an instance; waits until so many have ended.</summary>
    public async Task<IReadOnlyList<int>> ActionsAsync(long after, int answers, CancellationToken cancellationToken)
    {
        using var session = Open();
        while (true)
        {
            var ended = session.Query(
                "SELECT id FROM instances WHERE id > ?1 AND name = 'AnswerMessage' AND completed_at IS NOT NULL", row => row.Long(0), after);
            if (ended.Count >= answers)
            {
                return [.. ended.Select(id => DurableActions.Count(Instances.History(session, id).SelectMany(HistoryText.Read)))];
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    private SqliteSession Open() => new(stack.Database, Synchronous.Normal);

    private Task<ConnectionMultiplexer> ConnectAsync() => ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{stack.Ports.Redis},allowAdmin=true");
}
