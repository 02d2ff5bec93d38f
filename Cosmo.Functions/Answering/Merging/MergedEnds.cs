using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Merging;

/// <summary>What becomes of messages that are asked together with one before them: each has its own start and its own end.</summary>
internal sealed class MergedEnds(TurnQueue turns, IUpdatePublisher updates, ILogger<MergedEnds> logger)
{
    /// <summary>Tells their clients that they are asked, and their orchestrations that they need not wait. Doing so again is harmless.</summary>
    public async Task BeginAsync(IReadOnlyList<MergedMessage> merged, DurableTaskClient client, CancellationToken cancellationToken)
    {
        foreach (var message in merged)
        {
            await updates.PublishAsync(message.Address, Updates.Started(message.Address, message.Question), "started", cancellationToken);
            await ReleaseAsync(message.Address, client, cancellationToken);
        }
    }

    /// <summary>Tells each that it ends as the one that it was asked together with. Doing so again is harmless.</summary>
    /// <param name="merged">The messages.</param>
    /// <param name="answeredBy">The message that it was asked together with.</param>
    /// <param name="final">The final update of that one.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task EndAsync(IReadOnlyList<MergedMessage> merged, MessageAddress answeredBy, UpdatePayload final, CancellationToken cancellationToken)
    {
        foreach (var message in merged)
        {
            var isTold = await updates.PublishAsync(message.Address, Of(message, answeredBy, final), once: null, cancellationToken);
            if (isTold && final.Status == Updates.CompletedStatus)
            {
                Telemetry.AnswersCompleted.Add(1);
            }
        }

        if (final.Status == Updates.CompletedStatus && merged.Count > 0)
        {
            await turns.ForgetBodiesAsync(merged.Select(message => message.Address), cancellationToken);
        }
    }

    /// <summary>The final update of one of them. What the answer used stands on the other's alone.</summary>
    private static UpdatePayload Of(MergedMessage message, MessageAddress answeredBy, UpdatePayload final) => final with
    {
        MessageId = message.Address.MessageId,
        AnsweredBy = final.Status == Updates.CompletedStatus ? answeredBy.MessageId : null,
        Usage = null,
    };

    /// <summary>An orchestration that is not told finds out by itself.</summary>
    private async Task ReleaseAsync(MessageAddress address, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.RaiseEventAsync(AnswerStarter.InstanceId(address), AnswerMessage.TurnGranted, true, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.TurnNotGivenOn(e, address.MessageId);
        }
    }
}
