using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Tests.Administration.Deletion;

public sealed class ThreadDeletionTests
{
    private readonly DeletionHarness _harness = new();

    [Fact]
    public void A_deletion_whose_worker_dies_at_a_batch_does_that_batch_again()
    {
        var tries = 0;
        _harness.Remove(batches: 2);
        _harness.Before(nameof(RemoveThreads), () => ++tries is 2 or 3 ? new IOException("The worker died.") : null);

        _harness.Begin();

        _harness.End<DeletionProgress>().Phase.ShouldBe("completed");
        _harness.Inputs<RemovalBatch>(nameof(RemoveThreads)).Select(batch => (batch.Latest, batch.Before.Next!.Score))
            .ShouldBe([(1_000, null), (1_000, 1), (1_000, 1), (1_000, 1), (null, null)]);
    }

    [Fact]
    public void A_long_deletion_goes_on_in_a_new_history()
    {
        _harness.Remove(batches: 45);

        _harness.Begin();

        _harness.End<DeletionProgress>().Removed.ShouldBe(46);
        _harness.Calls.Count(call => call == nameof(ThreadIndexing)).ShouldBe(1);
        _harness.History.Count(happened => happened.TaskScheduled is not null).ShouldBe(6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void A_deletion_that_is_cancelled_ends_after_its_batch(int batch)
    {
        _harness.CancelIn(batch);

        _harness.End<DeletionProgress>().Phase.ShouldBe("cancelled");
        _harness.Inputs<RemovalBatch>(nameof(RemoveThreads)).Count.ShouldBe(batch);
    }
}
