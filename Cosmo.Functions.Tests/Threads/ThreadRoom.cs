using System.Text.Json.Nodes;
using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Threads;

/// <summary>The parts of the room on one Redis, a clock that stands still and an assistant that a test directs.</summary>
internal sealed class ThreadRoom
{
    public ThreadRoom(RedisConnection redis)
    {
        Redis = redis;
        Access = new AccessSetup(redis, Time);
        Index = new ThreadIndex(redis, Time);
        Reader = new ThreadReader(redis);
        var loggers = new LoggerFactory([Logs]);
        Store = new ThreadStore(redis, Index, Access.Owners, Options.Create(new ThreadOptions()), Time, loggers.CreateLogger<ThreadStore>());
        Indexer = new ThreadIndexer(redis, Index, Reader, loggers.CreateLogger<ThreadIndexer>());
        var log = new UpdateLog(redis, Options.Create(new DeliveryOptions()), Time);
        var turns = new TurnQueue(redis, log, Options.Create(new AnsweringOptions()));
        var stopSignals = new StopSignals(redis, NullLogger<StopSignals>.Instance);
        var cancellation = new Cancellation(turns, log, stopSignals, NullLogger<Cancellation>.Instance);
        var erasure = new ChannelErasure(redis, turns, log, stopSignals, cancellation, new MessageDirectory(redis), new MessageHistory(redis, Options.Create(new ThreadOptions()), Time), new FeedbackLedger(redis, Time), Time);
        Removal = new ThreadRemoval(redis, Reader, Index, Access.Owners, Assistant, erasure, Time, NullLogger<ThreadRemoval>.Instance);
        Batches = new ThreadBatches(Index, Removal, Time);
        Statistics = new StatisticsReader(redis, Indexer, Reader, Time);
    }

    public ManualTimeProvider Time { get; } = new();

    public IAssistant Assistant { get; } = Substitute.For<IAssistant>();

    /// <summary>A Durable store that knows no orchestration.</summary>
    public DurableTaskClient Client { get; } = Substitute.For<DurableTaskClient>("test");

    public RecordedLogs Logs { get; } = new();

    public RedisConnection Redis { get; }

    /// <summary>Where channels have owners if a test says so.</summary>
    public AccessSetup Access { get; }

    public ThreadIndex Index { get; }

    public ThreadReader Reader { get; }

    public ThreadStore Store { get; }

    public ThreadIndexer Indexer { get; }

    public ThreadRemoval Removal { get; }

    public ThreadBatches Batches { get; }

    public StatisticsReader Statistics { get; }

    /// <summary>Unix seconds, so many days ago.</summary>
    public double Ago(double days) => (Time.GetUtcNow() - TimeSpan.FromDays(days)).ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>The contract's keys as another program writes them; the index knows nothing of them.</summary>
    public async Task WriteAsync(string channel, string threadId, double days, int messages = 1)
    {
        var at = Ago(days);
        var metadata = new JsonObject { ["created_at"] = at, ["message_count"] = messages, ["last_message_at"] = at }.ToJsonString();
        await Redis.RunAsync(database => database.StringSetAsync(ThreadKeys.Thread(Redis.Prefix, channel), threadId), CancellationToken.None);
        await Redis.RunAsync(database => database.StringSetAsync(ThreadKeys.Metadata(Redis.Prefix, channel), metadata), CancellationToken.None);
    }

    /// <summary>The same, and the index knows.</summary>
    public async Task AddAsync(string channel, string threadId, double days, int messages = 1)
    {
        await WriteAsync(channel, threadId, days, messages);
        await Index.RecordAsync([(await Reader.ReadAsync(channel, CancellationToken.None)).ToEntry()], replacesThread: false, CancellationToken.None);
    }

    public Task DeleteKeyAsync(string key) => Redis.RunAsync(database => database.KeyDeleteAsync(Redis.Prefix + key), CancellationToken.None);

    public Task<string?> GetAsync(string key) =>
        Redis.RunAsync(async database => (string?)await database.StringGetAsync(Redis.Prefix + key), CancellationToken.None);

    public async Task IndexAllAsync()
    {
        for (var position = IndexPosition.Start; !position.IsComplete;)
        {
            position = (await Indexer.StepAsync(position, CancellationToken.None)).Next;
        }
    }

    /// <summary>All batches of a pruning, the abandoned threads too.</summary>
    public async Task<(long Removed, long Active, long Failed)> PruneAsync(double days = 90)
    {
        var (removed, active, failed) = (0L, 0L, 0L);
        var step = RemovalStep.Begin(isOpenAIDown: false);
        while (step.Next is not null)
        {
            Add(step = await Batches.RemoveAsync(Ago(days), isForced: false, step, Client, CancellationToken.None));
        }

        step = RemovalStep.Begin(step.IsOpenAIDown);
        while (step.Next is not null)
        {
            Add(step = await Batches.RemoveAbandonedAsync(isForced: false, step, Client, CancellationToken.None));
        }

        return (removed, active, failed);

        void Add(RemovalStep done) => (removed, active, failed) = (removed + done.Removed, active + done.Active, failed + done.Failed);
    }
}

internal static class ThreadStoreUse
{
    /// <summary>Finds a channel's thread and counts messages in it, as an answer does that begins.</summary>
    public static async Task<string?> UseAsync(this ThreadStore store, string channel, IReadOnlyList<string> messageIds, CancellationToken cancellationToken)
    {
        if (!await store.TryHoldAsync(channel, cancellationToken) || await store.FindAsync(channel, cancellationToken) is not { } found)
        {
            return null;
        }

        await store.RecordUseAsync(channel, found, messageIds, cancellationToken);
        return found.Id;
    }
}
