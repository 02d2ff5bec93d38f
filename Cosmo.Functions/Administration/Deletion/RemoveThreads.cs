using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Activity: removes the next batch of threads.</summary>
internal sealed class RemoveThreads(ThreadBatches batches)
{
    [Function(nameof(RemoveThreads))]
    public Task<RemovalStep> RunAsync([ActivityTrigger] RemovalBatch batch, [DurableClient] DurableTaskClient client, FunctionContext context) =>
        batch.Latest is { } latest
            ? batches.RemoveAsync(latest, batch.IsForced, batch.Before, client, context.CancellationToken)
            : batches.RemoveAbandonedAsync(batch.IsForced, batch.Before, client, context.CancellationToken);
}

/// <param name="Latest">Threads whose channel was last active at this Unix second or before; null for those that no channel has any more.</param>
/// <param name="IsForced">In use or not.</param>
/// <param name="Before">The batch before.</param>
internal sealed record RemovalBatch(double? Latest, bool IsForced, RemovalStep Before);
