using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

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
    /// The channel's thread; null where another orchestration has the message, or it is over. What is asked together with the message, or had been before that
    /// was over; null where nothing is merged. And the counting of these messages, which goes on meanwhile.
    /// </summary>
    /// <param name="input">The message, and whose it shall be.</param>
    /// <param name="gone">A thread that turned out to be gone; null at first.</param>
    /// <param name="client">The Durable store.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="AssistantException">The model's service makes no thread, or gives no items of it.</exception>
    /// <exception cref="StackExchange.Redis.RedisException">Redis stayed away for longer than its patience, or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer for as long.</exception>
    public Task<Opened> OpenAsync(RunInput input, string? gone, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var made = new MadeThread();
        return RedisRetry.RunAsync(
            () => OpenAsync(input, gone, made, client, cancellationToken),
            options.Value.RedisPatience,
            clock,
            e => logger.RedisFailed(e, input.Address.MessageId),
            cancellationToken);
    }

    private async Task<Opened> OpenAsync(
        RunInput input, string? gone, MadeThread made, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var address = input.Address;

        // Asked at once, and answered in this order: one connection carries them.
        var (claiming, holding) = (ClaimAsync(input, cancellationToken), threads.TryHoldAsync(address.Channel, cancellationToken));
        var finding = made.Id is null ? threads.FindAsync(address.Channel, cancellationToken) : Task.FromResult<FoundThread?>(null);
        await ((Task)finding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await Task.WhenAll(claiming, holding);
        var (claim, merged) = await claiming;
        if (claim != MessageClaim.Ours)
        {
            return new Opened(claim, null, merged);
        }

        if (!input.HasStarted)
        {
            await updates.PublishAsync(address, Updates.Started(address, input.Question, input.Replaces), "started", cancellationToken);
        }

        if (merged is { Count: > 0 })
        {
            // Their own orchestrations end now, and Redis may lose what was merged.
            await client.RaiseEventAsync(input.InstanceId, AnswerMessage.MessagesMerged, merged, cancellationToken);
        }

        await ends.BeginAsync(merged ?? [], client, cancellationToken);

        IReadOnlyList<string> messageIds = [address.MessageId, .. (merged ?? []).Select(message => message.Address.MessageId)];
        var found = await holding ? await finding : null;
        var threadId = made.Id ?? found?.Id;
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
        }

        return new Opened(claim, threadId, merged)
        {
            Counting = CountAsync(
                address,
                () => made.Id is null ? threads.RecordUseAsync(address.Channel, found!, messageIds, cancellationToken) : threads.CountMessagesAsync(address.Channel, messageIds, cancellationToken),
                cancellationToken),
        };
    }

    private async Task<(MessageClaim Claim, IReadOnlyList<MergedMessage>? Merged)> ClaimAsync(RunInput input, CancellationToken cancellationToken) => input.Merges
        ? await turns.ClaimTogetherAsync(input.Address, input.InstanceId, input.RunId, MergedMessage.MostText, cancellationToken)
        : (await turns.ClaimAsync(input.Address, input.RunId, cancellationToken), null);

    /// <summary>Never fails: an answer is worth more than a number. While Redis is away it waits for it as all of the opening does.</summary>
    private async Task CountAsync(MessageAddress address, Func<Task> count, CancellationToken cancellationToken)
    {
        try
        {
            await RedisRetry.RunAsync(count, options.Value.RedisPatience, clock, e => logger.RedisFailed(e, address.MessageId), cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException)
        {
            logger.MessagesNotCounted(e, address.MessageId);
        }
    }

    /// <summary>A thread that was made stays the one, however often Redis must be asked to keep it.</summary>
    private sealed class MadeThread
    {
        public string? Id { get; set; }
    }
}

/// <param name="Claim">Whose the message is.</param>
/// <param name="ThreadId">The channel's thread; null where the message is not to be asked.</param>
/// <param name="Merged">What is asked together with the message; null where nothing is merged.</param>
internal sealed record Opened(MessageClaim Claim, string? ThreadId, IReadOnlyList<MergedMessage>? Merged)
{
    /// <summary>The counting of the messages, which is not waited for before they are asked. Never fails.</summary>
    public Task Counting { get; init; } = Task.CompletedTask;
}
