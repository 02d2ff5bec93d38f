using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Timer: starts the removal of the threads that are older than the retention, unless it runs already.</summary>
internal sealed class PruneThreads(ThreadIndex index, IOptions<ThreadOptions> options, TimeProvider clock, ILogger<PruneThreads> logger)
{
    [Function(nameof(PruneThreads))]
    public async Task RunAsync([TimerTrigger("%THREAD_PRUNING_SCHEDULE%")] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var latest = (clock.GetUtcNow() - TimeSpan.FromDays(options.Value.RetentionDays)).ToUnixTimeMilliseconds() / 1000.0;
        var total = await index.CountAsync(latest, context.CancellationToken) + await index.CountAbandonedAsync(IndexCursor.Start, context.CancellationToken);
        var input = DeletionInput.Begin(latest, isForced: false, indexesFirst: false, total);
        if (!await SingleInstance.TryStartAsync(client, nameof(ThreadDeletion), ThreadDeletion.PruningId, input, context.CancellationToken))
        {
            logger.RunsAlready(ThreadDeletion.PruningId);
        }
    }
}
