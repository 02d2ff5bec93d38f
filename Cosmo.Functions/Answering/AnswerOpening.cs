using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Answering;

/// <summary>
/// How an answer begins: the message is claimed for its orchestration, the client told that processing began unless the trigger has told it, and the channel's
/// thread found or made.
/// </summary>
internal sealed class AnswerOpening(
    TurnQueue turns,
    ThreadStore threads,
    IAssistant assistant,
    IUpdatePublisher updates,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<AnswerOpening> logger)
{
    /// <summary>The channel's thread; null where another orchestration has the message, or it is over.</summary>
    /// <param name="address">The message.</param>
    /// <param name="runId">Whose message it shall be.</param>
    /// <param name="untold">What the user asks; null if the client has been told.</param>
    /// <param name="replaced">A thread that turned out to be gone; null at first.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="AssistantException">The model's service makes no thread.</exception>
    /// <exception cref="StackExchange.Redis.RedisException">Redis stayed away for longer than its patience, or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer for as long.</exception>
    public Task<string?> OpenAsync(MessageAddress address, string runId, string? untold, string? replaced, CancellationToken cancellationToken)
    {
        var made = new MadeThread();
        return RedisRetry.RunAsync(
            () => FindThreadAsync(address, runId, untold, replaced, made, cancellationToken),
            options.Value.RedisPatience,
            clock,
            e => logger.RedisFailed(e, address.MessageId),
            cancellationToken);
    }

    private async Task<string?> FindThreadAsync(
        MessageAddress address, string runId, string? untold, string? replaced, MadeThread made, CancellationToken cancellationToken)
    {
        if (!await turns.ClaimAsync(address, runId, cancellationToken))
        {
            return null;
        }

        if (untold is not null)
        {
            await updates.PublishAsync(address, Updates.Started(address, untold), "started", cancellationToken);
        }

        var threadId = made.Id ?? await threads.FindAsync(address.Channel, cancellationToken);
        if (threadId is null || threadId == replaced)
        {
            threadId = made.Id = await assistant.CreateThreadAsync(
                () => updates.TellRetryingAsync(address, threadId: null, round: 0, logger, cancellationToken), cancellationToken);
            logger.ThreadCreated(address.MessageId, threadId);
        }

        if (made.Id is not null)
        {
            await threads.SaveAsync(address.Channel, threadId, cancellationToken);
        }

        await threads.CountMessageAsync(address.Channel, address.MessageId, cancellationToken);
        return threadId;
    }

    /// <summary>A thread that was made stays the one, however often Redis must be asked to keep it.</summary>
    private sealed class MadeThread
    {
        public string? Id { get; set; }
    }
}
