using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Tests.Answering;
using Cosmo.Functions.Threads.Index;
using Microsoft.DurableTask.Worker.Grpc;

namespace Cosmo.Functions.Tests.Threads;

/// <summary>The long work on threads, as orchestrations.</summary>
public sealed class ThreadOperationTests
{
    private static readonly DeletionInput Input = DeletionInput.Begin(latest: 1_000, isForced: false, indexesFirst: true, total: 3);

    private readonly OrchestrationHarness _harness = new(
        nameof(ThreadDeletion),
        request => GrpcOrchestrationRunner.LoadAndRun<DeletionInput, DeletionProgress>(request, async (context, _) => await ThreadDeletion.RunAsync(context)));

    public ThreadOperationTests() =>
        _harness.On<IndexingProgress>(nameof(ThreadIndexing), start => start with { Keys = 3 });

    [Fact]
    public void A_deletion_whose_worker_dies_at_a_batch_does_that_batch_again()
    {
        var calls = 0;
        _harness.On<RemovalBatch>(nameof(RemoveThreads), _ => ++calls is 2 or 3 ? new IOException("The worker died.") : Removed(isLast: calls >= 4, calls));

        _harness.Begin(Input);

        _harness.End<DeletionProgress>().Phase.ShouldBe("completed");
        _harness.Inputs<RemovalBatch>(nameof(RemoveThreads)).Select(batch => (batch.Latest, batch.Before.Next!.Score))
            .ShouldBe([(1_000, null), (1_000, 1), (1_000, 1), (1_000, 1), (null, null)]);
    }

    [Fact]
    public void A_long_deletion_goes_on_in_a_new_history()
    {
        var calls = 0;
        _harness.On<RemovalBatch>(nameof(RemoveThreads), _ => Removed(isLast: ++calls >= 45, calls));

        _harness.Begin(Input);

        _harness.End<DeletionProgress>().Removed.ShouldBe(46);
        _harness.Calls.Count(call => call == nameof(ThreadIndexing)).ShouldBe(1);
        _harness.History.Count(happened => happened.TaskScheduled is not null).ShouldBe(6);
    }

    [Fact]
    public void A_deletion_that_is_cancelled_ends_after_its_batch()
    {
        var batch = new OpenCall();
        _harness.On<RemovalBatch>(nameof(RemoveThreads), _ => batch);

        _harness.Begin(Input);
        _harness.Raise(ThreadDeletion.CancelRequested, true);
        batch.End(Removed(isLast: false, 1));

        _harness.End<DeletionProgress>().Phase.ShouldBe("cancelled");
        _harness.Inputs<RemovalBatch>(nameof(RemoveThreads)).ShouldHaveSingleItem();
    }

    private static RemovalStep Removed(bool isLast, int upTo) => new(1, 0, 0, isLast ? null : new IndexCursor(upTo, 0), IsOpenAIDown: false);
}
