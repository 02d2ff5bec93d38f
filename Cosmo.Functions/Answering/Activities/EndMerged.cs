using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: the end of messages that were asked together with one that was not answered as it should. Each ends as that one did, once; the orchestration then
/// keeps those that were not answered. Fails while Redis is away; the orchestration then tries again.
/// </summary>
internal sealed class EndMerged(TurnQueue turns, UpdateLog log, MergedEnds ends)
{
    [Function(nameof(EndMerged))]
    public async Task<IReadOnlyList<EndedMerged>> RunAsync([ActivityTrigger] EndMergedInput input, FunctionContext context)
    {
        var (address, cancellationToken) = (input.Address, context.CancellationToken);
        var merged = input.Merged ?? await turns.FindMergedAsync(address, cancellationToken);
        var end = input.IsWithoutThem ? null : await log.FindEndAsync(address, cancellationToken);
        var final = end?.Update?.Payload ?? FailAnswer.UpdateOf(address, input.ThreadId, input.Failure, shown: "");
        await ends.EndAsync(merged, address, final, cancellationToken);
        var ended = new List<EndedMerged>();
        foreach (var message in merged)
        {
            // One that was cancelled by itself, just when it was merged, has another end.
            var status = (await log.FindEndAsync(message.Address, cancellationToken))?.Update?.Payload.Status ?? final.Status;
            ended.Add(new EndedMerged(message, IsKept: status is not (Updates.CompletedStatus or Updates.CancelledStatus)));
        }

        return ended;
    }
}
