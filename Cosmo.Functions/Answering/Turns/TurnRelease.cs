using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Turns;

/// <summary>Gives the turn of a message that is over to the next one in its channel.</summary>
internal sealed class TurnRelease(TurnQueue turns, TimeProvider clock, ILogger<TurnRelease> logger)
{
    /// <summary>A connection that breaks is there again soon; if not, the lease ends, and nobody waits longer than for that.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Comes before the final update. Never fails: without it a message that comes at once may be rejected.</summary>
    public async Task AnnounceAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken)
    {
        try
        {
            await turns.AnnounceEndAsync(address, instanceId, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.TurnNotGivenOn(e, address.MessageId);
        }
    }

    /// <summary>Never fails: a turn that is not given on is taken when its lease ends.</summary>
    /// <param name="address">The message.</param>
    /// <param name="instanceId">Its orchestration.</param>
    /// <param name="isAnswered">The message needs no dead letter any more.</param>
    /// <param name="client">The Durable store.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task GiveOnAsync(MessageAddress address, string instanceId, bool isAnswered, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            var next = await ReleaseAsync(address, instanceId, isAnswered, cancellationToken);
            while (next is not null && await client.HasEndedAsync(next, cancellationToken))
            {
                // It ended while it waited, such as by termination.
                next = await ReleaseAsync(address, next, isAnswered: false, cancellationToken);
            }

            if (next is not null)
            {
                await client.RaiseEventAsync(next, AnswerMessage.TurnGranted, true, cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.TurnNotGivenOn(e, address.MessageId);
        }
    }

    private Task<string?> ReleaseAsync(MessageAddress address, string instanceId, bool isAnswered, CancellationToken cancellationToken) => RedisRetry.RunAsync(
        () => turns.ReleaseAsync(address, instanceId, isAnswered, cancellationToken), Patience, clock, e => logger.RedisFailed(e, address.MessageId), cancellationToken);
}
