using Cosmo.Functions.Threads.Index;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>
/// Orchestration: removes threads batch by batch, oldest first, then those that no channel has any more. It goes on where it was after a crash, and ends
/// after the current batch when it is cancelled.
/// </summary>
internal static class ThreadDeletion
{
    public const string PruningId = "thread-pruning";
    public const string DeletionId = "thread-deletion";
    public const string CancelRequested = nameof(CancelRequested);

    private const int BatchesPerRun = 20;

    private static readonly TaskOptions Retries = TaskOptions.FromRetryPolicy(
        new RetryPolicy(6, TimeSpan.FromSeconds(2), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30)));

    [Function(nameof(ThreadDeletion))]
    public static async Task<DeletionProgress> RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var input = context.GetInput<DeletionInput>()!;
        var cancelled = context.WaitForExternalEvent<bool>(CancelRequested);
        context.SetCustomStatus(input.Progress);
        if (input.IndexesFirst)
        {
            // A cancellation that comes meanwhile is seen before the first batch: what is compared does no harm.
            await context.CallSubOrchestratorAsync<IndexingProgress>(nameof(ThreadIndexing), IndexingProgress.Start);

            // All threads are those that there are now: what the comparison has found counts as active when it was found.
            var now = new DateTimeOffset(context.CurrentUtcDateTime, TimeSpan.Zero).ToUnixTimeMilliseconds() / 1000.0;
            input = input with { IndexesFirst = false, Latest = input.IsForced ? now : input.Latest };
        }

        for (var batch = 0; batch < BatchesPerRun && !input.IsThrough && !cancelled.IsCompleted; batch++)
        {
            var latest = input.IsAbandonedTurn ? null : (double?)input.Latest;
            var step = await context.CallActivityAsync<RemovalStep>(nameof(RemoveThreads), new RemovalBatch(latest, input.IsForced, input.Step), Retries);
            input = input.After(step);
            context.SetCustomStatus(input.Progress);
        }

        if (input.IsThrough || cancelled.IsCompleted)
        {
            return End(context, input.Progress with { Phase = input.IsThrough ? "completed" : "cancelled" });
        }

        context.ContinueAsNew(input);
        return input.Progress;
    }

    private static DeletionProgress End(TaskOrchestrationContext context, DeletionProgress progress)
    {
        context.SetCustomStatus(progress);
        context.CreateReplaySafeLogger(nameof(ThreadDeletion)).ThreadsRemoved(context.InstanceId, progress.Removed, progress.Active, progress.Failed);
        return progress;
    }
}
