using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Administration.Replaying;

/// <summary>Activity: puts the next dead letters of a replay back into the queue.</summary>
internal sealed class ReplayLetters(DeadLetterQueue deadLetters)
{
    [Function(nameof(ReplayLetters))]
    public async Task<ReplayBatch> RunAsync([ActivityTrigger] ReplayInput replay, FunctionContext context)
    {
        try
        {
            return await deadLetters.ReplayAsync(replay.Means, replay.RunId, replay.BatchSize(), replay.MostWaiting(), context.CancellationToken);
        }
        catch (DeadLettersBusyException)
        {
            // Somebody looks through them; the next batch comes soon.
            return new ReplayBatch(BatchState.More, replay.Progress.Replayed);
        }
    }
}
