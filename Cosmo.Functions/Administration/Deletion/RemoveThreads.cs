using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Activity: removes the next batch of threads; where all are meant, the last of them the dead letters too.</summary>
internal sealed class RemoveThreads(ThreadBatches batches, DeadLetterQueue deadLetters)
{
    [Function(nameof(RemoveThreads))]
    public async Task<RemovalStep> RunAsync([ActivityTrigger] RemovalBatch batch, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        if (batch.Latest is { } latest)
        {
            return await batches.RemoveAsync(latest, batch.IsForced, batch.Before, client, context.CancellationToken);
        }

        var step = await batches.RemoveAbandonedAsync(batch.IsForced, batch.Before, client, context.CancellationToken);
        if (batch.IsForced && step.Next is null)
        {
            await deadLetters.DeleteAsync(_ => true, context.CancellationToken);
        }

        return step;
    }
}

/// <param name="Latest">Threads whose channel was last active at this Unix second or before; null for those that no channel has any more.</param>
/// <param name="IsForced">In use or not.</param>
/// <param name="Before">The batch before.</param>
internal sealed record RemovalBatch(double? Latest, bool IsForced, RemovalStep Before);
