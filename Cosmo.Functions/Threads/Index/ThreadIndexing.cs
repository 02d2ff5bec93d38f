using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Threads.Index;

/// <summary>Orchestration: compares all keys with the index, in steps.</summary>
internal static class ThreadIndexing
{
    public const string InstanceId = "thread-indexing";

    private const int StepsPerRun = 50;

    private static readonly TaskOptions Retries = TaskOptions.FromRetryPolicy(
        new RetryPolicy(6, TimeSpan.FromSeconds(2), backoffCoefficient: 2, maxRetryInterval: TimeSpan.FromSeconds(30)));

    [Function(nameof(ThreadIndexing))]
    public static async Task<IndexingProgress> RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var progress = context.GetInput<IndexingProgress>()!;
        for (var step = 0; step < StepsPerRun; step++)
        {
            context.SetCustomStatus(progress);
            var done = await context.CallActivityAsync<IndexStep>(nameof(IndexThreads), progress.Position, Retries);
            progress = new IndexingProgress(done.Next, progress.Keys + done.Keys, progress.Expired + done.Expired);
            if (done.Next.IsComplete)
            {
                context.SetCustomStatus(progress);
                context.CreateReplaySafeLogger(nameof(ThreadIndexing)).ThreadsIndexed(progress.Keys, progress.Expired);
                return progress;
            }
        }

        context.ContinueAsNew(progress);
        return progress;
    }
}

/// <summary>How far the comparison has come: input, custom status and result.</summary>
internal sealed record IndexingProgress(IndexPosition Position, long Keys, long Expired)
{
    public static IndexingProgress Start { get; } = new(IndexPosition.Start, 0, 0);
}

/// <summary>Activity: compares some of the keys with the index.</summary>
internal sealed class IndexThreads(ThreadIndexer indexer)
{
    [Function(nameof(IndexThreads))]
    public Task<IndexStep> RunAsync([ActivityTrigger] IndexPosition position, FunctionContext context) =>
        indexer.StepAsync(position, context.CancellationToken);
}

/// <summary>Timer: starts the comparison of the keys with the index, unless it runs already. At the start too, for what came while nobody ran.</summary>
internal sealed class RefreshThreadIndex(ILogger<RefreshThreadIndex> logger)
{
    [Function(nameof(RefreshThreadIndex))]
    public async Task RunAsync(
        [TimerTrigger("%THREAD_INDEXING_SCHEDULE%", RunOnStartup = true)] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        if (!await SingleInstance.TryStartAsync(client, nameof(ThreadIndexing), ThreadIndexing.InstanceId, IndexingProgress.Start, context.CancellationToken))
        {
            logger.RunsAlready(ThreadIndexing.InstanceId);
        }
    }
}
