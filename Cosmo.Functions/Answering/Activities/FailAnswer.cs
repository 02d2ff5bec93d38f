using System.Diagnostics;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Threads;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: the end of a message that is not answered. Tells the client, leaves the thread usable and gives the turn on. Each step is tried whatever became
/// of the one before. Answers whether the message was answered after all, its last activity having told so before it could be stopped, or was cancelled where another
/// Durable store has it too: then it is no dead letter.
/// </summary>
internal sealed class FailAnswer(
    IUpdatePublisher updates,
    UpdateLog log,
    IAssistant assistant,
    ThreadReader threads,
    ProfileCatalog profiles,
    MessageMemory memory,
    MessageHistory history,
    TurnQueue turns,
    MergedEnds merged,
    TurnRelease turn,
    TimeProvider clock,
    ILogger<FailAnswer> logger)
{
    private const string NoResult = "The request ended before the tool had a result: it may or may not have been carried out.";
    private static readonly TimeSpan RepairLimit = TimeSpan.FromSeconds(20);

    /// <summary>So long all steps together try Redis again: a connection that breaks is there again soon, and the client is not to wait for one that is away.</summary>
    private static readonly TimeSpan RedisPatience = TimeSpan.FromSeconds(5);

    [Function(nameof(FailAnswer))]
    public async Task<bool> RunAsync([ActivityTrigger] FailInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var (address, failure) = (input.Address, input.Failure);
        var (until, cancellationToken) = (clock.GetUtcNow() + RedisPatience, context.CancellationToken);
        if (input is { ThreadId: null, HasBegun: true })
        {
            await TryAsync(address, until, async () => input = input with { ThreadId = await FindThreadAsync(address.Channel, cancellationToken) }, cancellationToken);
        }

        if (input is { MayHaveMerged: true, Merged: null })
        {
            await TryAsync(address, until, async () => input = input with { Merged = await turns.FindMergedAsync(address, cancellationToken) }, cancellationToken);
        }

        await turn.AnnounceAsync(address, input.InstanceId, cancellationToken);
        var (isAnswered, shown) = (false, "");
        if (!failure.IsOutage)
        {
            // What the user saw of an answer that is cut off; its end takes it out of the log.
            await TryAsync(address, until, async () => shown = await updates.FindTextAsync(address, cancellationToken) ?? "", cancellationToken);
            await TryAsync(address, until, async () => shown = await memory.KeepShownAsync(address, shown, cancellationToken), cancellationToken);
        }

        await TryAsync(address, until, async () => isAnswered = await TellAsync(input, shown, until, cancellationToken), cancellationToken);
        if (!isAnswered)
        {
            var messageIds = new List<string>();
            await TryAsync(address, until, () => RepairAsync(input, shown, messageIds, cancellationToken), cancellationToken);
            await TryAsync(address, until, () => history.RecordAsync(address, messageIds, StatusOf(failure), input.ReceivedAt, input.Merged ?? [], cancellationToken), cancellationToken);
        }

        await turn.GiveOnAsync(address, input.InstanceId, isAnswered, client, cancellationToken);
        if (isAnswered)
        {
            return true;
        }

        if (failure.Cause != Failure.CancelledCause)
        {
            Activity.Current.Fail(failure.Cause);
        }

        logger.AnswerFailed(address.MessageId, failure.Cause, failure.Reason ?? failure.Details);
        Telemetry.AnswersFailed.Add(1, new KeyValuePair<string, object?>("cause", failure.Cause));
        Telemetry.Overall.Record((clock.GetUtcNow() - input.ReceivedAt).TotalSeconds, new KeyValuePair<string, object?>("outcome", StatusOf(failure)));
        return false;
    }

    /// <summary>The work that would have told it was stopped, or died.</summary>
    private async Task<string?> FindThreadAsync(string channel, CancellationToken cancellationToken) =>
        (await threads.ReadAsync(channel, cancellationToken)).ThreadId is { } threadId && ThreadId.IsCurrent(threadId) ? threadId : null;

    private static string StatusOf(Failure failure) => failure switch
    {
        { Cause: Failure.CancelledCause } => MessageHistory.Cancelled,
        { Type: "timeout" } => MessageHistory.TimedOut,
        _ => MessageHistory.Failed,
    };

    /// <summary>True if the fence says that the answer had become whole before, or was cancelled by somebody else's end of it.</summary>
    private async Task<bool> TellAsync(FailInput input, string shown, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var (address, threadId) = (input.Address, input.ThreadId);
        var update = UpdateOf(address, threadId, input.Failure, shown);
        await TryAsync(address, until, () => EndToolsAsync(address, threadId, cancellationToken), cancellationToken);
        await updates.PublishAsync(address, update, once: null, cancellationToken);

        // That may have taken all the time, and whether the message was answered decides whether it is kept.
        until = clock.GetUtcNow() + RedisPatience;
        var final = update;
        await TryAsync(address, until, async () => final = (await log.FindEndAsync(address, cancellationToken))?.Update?.Payload ?? update, cancellationToken);
        if (input.Merged is { Count: > 0 } others)
        {
            await TryAsync(address, until, () => merged.EndAsync(others, address, final, cancellationToken), cancellationToken);
        }

        return final.Status == Updates.CompletedStatus || (final.Status == Updates.CancelledStatus && input.Failure.Cause != Failure.CancelledCause);
    }

    /// <summary>What the client of a message is told that is not answered.</summary>
    public static UpdatePayload UpdateOf(MessageAddress address, string? threadId, Failure failure, string shown) => StatusOf(failure) switch
    {
        MessageHistory.Cancelled => Updates.Cancelled(address, threadId, shown),
        MessageHistory.TimedOut => Updates.Timeout(address, threadId, failure.Sentence, failure.Details),
        _ => Updates.Error(address, threadId, failure.Sentence, failure.Details),
    };

    /// <summary>A call that died with its worker has not said how it ended.</summary>
    private async Task EndToolsAsync(MessageAddress address, string? threadId, CancellationToken cancellationToken)
    {
        var calls = (await log.ReadAsync(address.Channel, 0, cancellationToken)).Where(update => update.Payload.MessageId == address.MessageId)
            .Select(update => update.Payload.Tool).OfType<ToolCallUpdate>().GroupBy(call => call.CallId).Select(call => call.Last());
        foreach (var call in calls.Where(call => call.State is ToolCallUpdate.Running or ToolCallUpdate.AwaitingApproval))
        {
            await updates.TellToolAsync(address, threadId, call with { State = ToolCallUpdate.Failed, ExpiresAt = null, Arguments = null }, cancellationToken);
        }
    }

    /// <summary>A call that nobody answers, also one that nobody here has heard of, would make every later response in this thread fail.</summary>
    private async Task RepairAsync(FailInput input, string shown, List<string> messageIds, CancellationToken cancellationToken)
    {
        if (input.ThreadId is null || input.Failure.Cause == Failure.ThreadGoneCause)
        {
            return;
        }

        using var limit = new TimeLimit(RepairLimit, clock, cancellationToken);
        if (profiles.Of(input.Address.Profile).IsBackground && await memory.FindLastResponseAsync(input.Address, limit.Token) is { } responseId)
        {
            // Nobody listens to it any more, but it goes on.
            await assistant.CancelResponseAsync(responseId, limit.Token);
        }

        await assistant.AnswerOutstandingCallsAsync(input.ThreadId, NoResult, limit.Token);
        await KeepShownAsync(input, input.ThreadId, shown, messageIds, limit.Token);
    }

    /// <summary>What the user saw the model is to know too: of the rounds that ended it does, of the last one it does not.</summary>
    private async Task KeepShownAsync(FailInput input, string threadId, string shown, List<string> messageIds, CancellationToken cancellationToken)
    {
        var address = input.Address;
        var ended = await memory.FindSoFarAsync(address, input.Round, cancellationToken);
        if (ended.Text.Length == 0 && input.Round > 0)
        {
            ended = await memory.FindSoFarAsync(address, input.Round - 1, cancellationToken);
        }

        messageIds.AddRange(ended.MessageIds);
        messageIds.AddRange(ended.CallIds);
        var text = shown.StartsWith(ended.Text, StringComparison.Ordinal) ? shown[ended.Text.Length..] : "";
        text = ended.Text.Length > 0 && text.StartsWith(AssistantResponse.Paragraph, StringComparison.Ordinal) ? text[AssistantResponse.Paragraph.Length..] : text;
        if (text.Length > 0 && input.Question is { } question && await assistant.KeepShownAsync(
            threadId, input.Round == 0 ? [question, .. (input.Merged ?? []).Select(other => other.Question)] : [], text, async id => (await history.FindAsync(address.Channel, [id], cancellationToken)).GetValueOrDefault(id) is { } other
                && other.MessageId != address.MessageId, cancellationToken) is { } kept)
        {
            messageIds.Add(kept);
        }
    }

    private async Task TryAsync(MessageAddress address, DateTimeOffset until, Func<Task> step, CancellationToken cancellationToken)
    {
        try
        {
            await RedisRetry.RunAsync(step, until - clock.GetUtcNow(), clock, e => logger.RedisFailed(e, address.MessageId), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.StepOfFailingFailed(e, address.MessageId);
        }
    }
}

/// <summary>Activity: tells the other activities of its orchestration to stop, wherever they run.</summary>
internal sealed class StopWork(StopSignals stopSignals)
{
    [Function(nameof(StopWork))]
    public Task RunAsync([ActivityTrigger] StopInput input, FunctionContext context) =>
        stopSignals.StopAsync(input.Channel, input.InstanceId, context.CancellationToken);
}
