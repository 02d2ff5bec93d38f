using Cosmo.Functions.Delivery;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Conversations;

/// <summary>Gives the turn of a message that is over to the next one in its channel.</summary>
internal sealed class TurnRelease(Turns turns, ILogger<TurnRelease> logger)
{
    /// <summary>Never fails: a turn that is not given on is taken when its lease ends.</summary>
    public async Task GiveOnAsync(MessageAddress address, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            if (await turns.ReleaseAsync(address, instanceId, cancellationToken) is { } next)
            {
                await client.RaiseEventAsync(next, Conversation.TurnGranted, true, cancellationToken);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.TurnNotGivenOn(e, address.MessageId);
        }
    }
}
