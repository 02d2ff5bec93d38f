using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Conversations;

/// <summary>Activity: is it this orchestration's turn? Heads that ended without giving their turn back are removed.</summary>
internal sealed class CheckTurn(Turns turns)
{
    private const int MostRemovals = 10;

    [Function(nameof(CheckTurn))]
    public async Task<bool> RunAsync([ActivityTrigger] TurnInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var cancellationToken = context.CancellationToken;
        var head = await turns.HeadAsync(input.Address, input.InstanceId, gone: null, cancellationToken);
        for (var removals = 0; head != input.InstanceId && removals < MostRemovals; removals++)
        {
            // An instance that this store does not know may be another worker's; its lease decides.
            if (await client.GetInstanceAsync(head, cancellationToken) is not { IsCompleted: true })
            {
                return false;
            }

            head = await turns.HeadAsync(input.Address, input.InstanceId, gone: head, cancellationToken);
            if (head != input.InstanceId)
            {
                await client.RaiseEventAsync(head, Conversation.TurnGranted, true, cancellationToken);
            }
        }

        return head == input.InstanceId;
    }
}
