using Cosmo.Functions.Hosting;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Threads.Index;

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
