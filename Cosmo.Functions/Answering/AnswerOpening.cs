using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Answering;

/// <summary>
/// How an answer begins: the message is claimed for its orchestration, with those that are to be asked together with it, the client told that processing began
/// unless the trigger has told it, and the channel's thread found or made. Where the message takes another's place, that one is taken out of the thread.
/// </summary>
internal sealed class AnswerOpening(
    TurnQueue turns,
    ThreadStore threads,
    IAssistant assistant,
    IUpdatePublisher updates,
    MergedEnds ends,
    Replacement replacement,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<AnswerOpening> logger)
{
    /// <summary>
    /// The channel's thread; null where another orchestration has the message, or it is over. And what is asked together with the message, or had been before that
    /// was over; null where nothing is merged.
    /// </summary>
    /// <param name="input">The message, and whose it shall be.</param>
    /// <param name="gone">A thread that turned out to be gone; null at first.</param>
    /// <param name="client">The Durable store.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="AssistantException">The model's service makes no thread, or gives no items of it.</exception>
    /// <exception cref="StackExchange.Redis.RedisException">Redis stayed away for longer than its patience, or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer for as long.</exception>
    public Task<(MessageClaim Claim, string? ThreadId, IReadOnlyList<MergedMessage>? Merged)> OpenAsync(RunInput input, string? gone, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var made = new MadeThread();
        return RedisRetry.RunAsync(
            () => OpenAsync(input, gone, made, client, cancellationToken),
            options.Value.RedisPatience,
            clock,
            e => logger.RedisFailed(e, input.Address.MessageId),
            cancellationToken);
    }

    private async Task<(MessageClaim Claim, string? ThreadId, IReadOnlyList<MergedMessage>? Merged)> OpenAsync(
        RunInput input, string? gone, MadeThread made, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var address = input.Address;
        var (claim, merged) = input.Merges
            ? await turns.ClaimTogetherAsync(address, input.InstanceId, input.RunId, MergedMessage.MostText, cancellationToken)
            : (await turns.ClaimAsync(address, input.RunId, cancellationToken), null);
        if (claim != MessageClaim.Ours)
        {
            return (claim, null, merged);
        }

        if (!input.HasStarted)
        {
            await updates.PublishAsync(address, Updates.Started(address, input.Question, input.Replaces), "started", cancellationToken);
        }

        await ends.BeginAsync(merged ?? [], client, cancellationToken);

        IReadOnlyList<string> messageIds = [address.MessageId, .. (merged ?? []).Select(message => message.Address.MessageId)];
        var threadId = made.Id ?? await threads.FindAsync(address.Channel, messageIds, cancellationToken);
        if (threadId is null || threadId == gone)
        {
            threadId = made.Id = await assistant.CreateThreadAsync(
                () => updates.TellRetryingAsync(address, threadId: null, round: 0, logger, cancellationToken), cancellationToken);
            logger.ThreadCreated(address.MessageId, threadId);
        }

        if (input.Replaces is { } replaced && made.Id is null)
        {
            await replacement.TakeOutAsync(address.Channel, threadId, replaced, cancellationToken);
        }

        if (made.Id is not null)
        {
            await threads.SaveAsync(address.Channel, threadId, cancellationToken);
            await threads.CountMessagesAsync(address.Channel, messageIds, cancellationToken);
        }

        return (claim, threadId, merged);
    }

    /// <summary>A thread that was made stays the one, however often Redis must be asked to keep it.</summary>
    private sealed class MadeThread
    {
        public string? Id { get; set; }
    }
}
