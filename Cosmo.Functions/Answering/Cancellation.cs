using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering;

/// <summary>What became of a wish to cancel.</summary>
internal enum CancelOutcome
{
    /// <summary>It is being cancelled; the final update follows.</summary>
    Cancelling,

    /// <summary>No such message has arrived, or it was long ago.</summary>
    Unknown,

    /// <summary>The message has had its end.</summary>
    Over,
}

/// <summary>
/// Cancels messages that wait or are being answered. The signal goes through Redis to whatever worker has the message; its orchestration, if this
/// worker's Durable store has it, is told by an event besides.
/// </summary>
internal sealed class Cancellation(TurnQueue turns, UpdateLog log, StopSignals stopSignals, ILogger<Cancellation> logger)
{
    /// <summary>Cancels the newest attempt at a message. Doing so again is harmless.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<CancelOutcome> CancelAsync(string channel, string messageId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (await turns.FindAttemptAsync(channel, messageId, cancellationToken) is not { } attempt)
        {
            return CancelOutcome.Unknown;
        }

        var address = new MessageAddress(channel, messageId, attempt);
        var instanceId = AnswerStarter.InstanceId(address);
        if (await log.IsOverAsync(address, cancellationToken) || await client.HasEndedAsync(instanceId, cancellationToken))
        {
            return CancelOutcome.Over;
        }

        // One that is asked together with another ends with that one; it may become so just now.
        var leader = await turns.FindLeaderAsync(address, cancellationToken);
        if (leader is null)
        {
            await RequestAsync(channel, instanceId, client, cancellationToken);
            leader = await turns.FindLeaderAsync(address, cancellationToken);
        }

        if (leader is not null)
        {
            await RequestAsync(channel, leader, client, cancellationToken);
        }

        logger.CancelRequested(messageId);
        return CancelOutcome.Cancelling;
    }

    /// <summary>Tells an orchestration and its work that it is to be cancelled.</summary>
    public async Task RequestAsync(string channel, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await stopSignals.CancelAsync(channel, instanceId, cancellationToken);
        if (await client.GetInstanceAsync(instanceId, cancellationToken) is { IsCompleted: false })
        {
            await client.RaiseEventAsync(instanceId, AnswerMessage.CancelRequested, true, cancellationToken);
        }
    }
}
