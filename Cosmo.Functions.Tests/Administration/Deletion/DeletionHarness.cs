using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Tests.Orchestrations;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Worker.Grpc;

namespace Cosmo.Functions.Tests.Administration.Deletion;

/// <summary>The orchestration that removes threads, whose functions succeed at once unless a test says otherwise.</summary>
internal sealed class DeletionHarness : OrchestrationHarness
{
    private static readonly Exception Died = new IOException("The worker died.");

    public DeletionHarness()
        : base(
            nameof(ThreadDeletion),
            request => GrpcOrchestrationRunner.LoadAndRun<DeletionInput, DeletionProgress>(request, async (context, _) => await ThreadDeletion.RunAsync(context)))
    {
        On<IndexingProgress>(nameof(ThreadIndexing), start => start with { Keys = 3 });
        Remove(batches: 1);
    }

    /// <summary>Every way that it can go, by name.</summary>
    public static IReadOnlyDictionary<string, Action<DeletionHarness>> Paths { get; } = new Dictionary<string, Action<DeletionHarness>>
    {
        ["pruned"] = deletion => deletion.Begin(indexesFirst: false),
        ["old-ones"] = deletion => deletion.Begin(),
        ["all"] = deletion => deletion.Begin(isForced: true),
        ["more-batches-than-one-history-holds"] = deletion =>
        {
            deletion.Remove(batches: 30);
            deletion.Begin();
        },
        ["worker-died-in-a-batch"] = deletion =>
        {
            var tries = 0;
            deletion.Before(nameof(RemoveThreads), () => ++tries <= 2 ? Died : null);
            deletion.Begin();
        },
        ["every-worker-died"] = deletion =>
        {
            deletion.Before(nameof(RemoveThreads), () => Died);
            deletion.Begin();
        },
        ["comparison-failed"] = deletion =>
        {
            deletion.Before(nameof(ThreadIndexing), () => Died);
            deletion.Begin();
        },
        ["cancelled-in-the-comparison"] = deletion =>
        {
            var comparison = new OpenCall();
            deletion.On<IndexingProgress>(nameof(ThreadIndexing), _ => comparison);
            deletion.Begin();
            deletion.Cancel();
            comparison.End(IndexingProgress.Start);
        },
        ["cancelled-in-a-batch"] = deletion => deletion.CancelIn(batch: 2),
        ["cancelled-in-the-last-batch-of-a-history"] = deletion => deletion.CancelIn(batch: 20),
    };

    public void Begin(bool isForced = false, bool indexesFirst = true) => Begin(DeletionInput.Begin(latest: 1_000, isForced, indexesFirst, total: 3));

    public void Cancel() => Raise(ThreadDeletion.CancelRequested, true);

    /// <summary>Says how many batches there are of the channels; then there is one of what no channel has.</summary>
    public void Remove(int batches) => On<RemovalBatch>(nameof(RemoveThreads), batch =>
    {
        var done = (batch.Before.Next!.Score ?? 0) + 1;
        return Removed(batch.Latest is null || done >= batches ? null : done);
    });

    /// <summary>Begins a long deletion, and cancels it while this batch is under way.</summary>
    public void CancelIn(int batch)
    {
        var open = new OpenCall();
        var batches = 0;
        On<RemovalBatch>(nameof(RemoveThreads), _ => ++batches == batch ? open : Removed(batches));
        Begin();
        Cancel();
        open.End(Removed(batches));
    }

    /// <summary>What a batch did after which there is more from here on, or nothing.</summary>
    private static RemovalStep Removed(double? next) => new(1, 0, 0, next is null ? null : new IndexCursor(next, 0), IsOpenAIDown: false);
}
