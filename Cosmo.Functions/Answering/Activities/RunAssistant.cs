using System.Diagnostics;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Activity: one response of the model, streamed to the client; the first one finds the channel's thread or makes it, and what is to be asked together with the
/// message, the last one finishes the answer, with the final update and the turn to the next. It stops when its orchestration says so, when the message had its end elsewhere, and in any case at its own deadline. A try after one that died takes over its
/// response, if that became whole, and whatever that one had left undone at the end.
/// </summary>
internal sealed class RunAssistant(
    AnswerOpening opening,
    IAssistant assistant,
    Toolbox toolbox,
    IUpdatePublisher updates,
    MessageMemory memory,
    MessageHistory history,
    UsageLedger ledger,
    UpdateLog log,
    TurnQueue turns,
    MergedEnds ends,
    StopSignals stopSignals,
    TurnRelease turn,
    AnswerCapacity capacity,
    IOptions<DeliveryOptions> delivery,
    TimeProvider clock,
    ILogger<RunAssistant> logger)
{
    private static readonly TimeSpan NotingPatience = TimeSpan.FromSeconds(5);

    [Function(nameof(RunAssistant))]
    public async Task<RunResult> RunAsync([ActivityTrigger] RunInput input, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        var shown = new ShownText();
        var result = await RunAsync(input, shown, client, context);
        if (result.Failure is { Cause: not (Failure.CancelledCause or Failure.StoppedCause or Failure.OverCause) } failure)
        {
            Activity.Current.Fail(failure.Cause);
        }

        return result with { ThreadId = shown.Stream?.ThreadId, FirstTextAt = shown.Stream?.FirstTextAt, TextUpdates = shown.Stream?.Told };
    }

    private async Task<RunResult> RunAsync(RunInput input, ShownText shown, DurableTaskClient client, FunctionContext context)
    {
        using var place = capacity.TryTake(isUnderWay: input.Round > 0);
        if (place is null)
        {
            logger.NoCapacity(input.Address.MessageId);
            return Failed(Failure.OverCapacity);
        }

        using var stop = stopSignals.Register(input.Address.Channel, input.InstanceId, context.CancellationToken);
        using var bounds = new TimeLimit(input.StopAt - clock.GetUtcNow(), clock, stop.Token, context.CancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(bounds.Token);
        try
        {
            bounds.Token.ThrowIfCancellationRequested();

            // What Redis is asked at first, it is asked at once.
            var earlier = memory.FindResponseAsync(input.Address, input.Round, ended.Token);
            if (input.ThreadId is not { } known)
            {
                return await BeginAsync(input, earlier, stop, shown, client, bounds.Token, context.CancellationToken);
            }

            await ThrowIfToldBeforeAsync(stop, bounds.Token);
            return await FinishIfOverAsync(input, client, bounds.Token, context.CancellationToken)
                ?? await RespondAsync(input, known, await earlier, shown, client, bounds.Token, context.CancellationToken);
        }
        catch (AssistantException e)
        {
            logger.AssistantFailed(e, input.Address.MessageId, e.Failure);
            return Failed(Failure.From(e));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisFailed(e, input.Address.MessageId);
            return Failed(Failure.Redis(e));
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            logger.WorkStopped(input.Address.MessageId, input.Round);
            return Failed(stop.IsCancelled ? Failure.Cancelled : Failure.Stopped);
        }
        finally
        {
            ended.Cancel();
        }
    }

    /// <summary>The first round, in the channel's thread; if that is gone, in another. What another orchestration has is that one's to end.</summary>
    private async Task<RunResult> BeginAsync(
        RunInput input, Task<string?> earlier, StopSignals.Registration stop, ShownText shown, DurableTaskClient client, CancellationToken bounds, CancellationToken stopping)
    {
        Telemetry.TurnWait.Record((clock.GetUtcNow() - input.ReceivedAt).TotalSeconds);
        for (string? gone = null; ;)
        {
            if (input.Merges)
            {
                // Who is told to stop takes no other message along.
                await ThrowIfToldBeforeAsync(stop, bounds);
            }

            var opened = await opening.OpenAsync(input, gone, client, bounds);
            var (claim, threadId, merged) = opened;
            try
            {
                await ThrowIfToldBeforeAsync(stop, bounds);
                if (claim == MessageClaim.Over)
                {
                    if (await FinishIfOverAsync(input, client, bounds, stopping) is { } finished)
                    {
                        return finished;
                    }

                    // Redis has lost the end just now: it is this orchestration's to answer again.
                    continue;
                }

                return threadId is null
                    ? Failed(Failure.Over) with { Merged = merged }
                    : await RespondAsync(input with { Merged = merged }, threadId, await earlier, shown, client, bounds, stopping) with { Merged = merged };
            }
            catch (AssistantException e)
            {
                logger.AssistantFailed(e, input.Address.MessageId, e.Failure);
                if (e.Failure != AssistantFailure.ThreadGone || gone is not null)
                {
                    return Failed(Failure.From(e)) with { Merged = merged };
                }

                gone = threadId;
            }
            finally
            {
                await opened.Counting;
            }
        }
    }

    /// <exception cref="OperationCanceledException">The work was told to stop before it began.</exception>
    private static async Task ThrowIfToldBeforeAsync(StopSignals.Registration stop, CancellationToken bounds)
    {
        await stop.Known;
        bounds.ThrowIfCancellationRequested();
    }

    private async Task<RunResult> RespondAsync(
        RunInput input, string threadId, string? earlier, ShownText shown, DurableTaskClient client, CancellationToken bounds, CancellationToken stopping)
    {
        var address = input.Address;
        var soFar = input.Round == 0 ? new AnswerSoFar("", null) : await memory.FindSoFarAsync(address, input.Round - 1, bounds);
        var (before, usedBefore) = soFar;
        await using var answer = new AnswerStream(
            updates,
            address,
            threadId,
            before.Length == 0 ? "" : before + AssistantResponse.Paragraph,
            earlier is null ? "" : await updates.FindTextAsync(address, bounds) ?? "",
            delivery.Value,
            clock,
            logger);
        shown.Stream = answer;
        await using var heartbeat = new Heartbeat(client, input.InstanceId, input.Round == 0 ? input.FirstEventBy : null, clock, logger);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(bounds, answer.Fenced);
        var response = await assistant.RespondAsync(
            new AssistantRequest(threadId, input.Question, input.ToolOutputs, input.Caller, address.Profile, earlier, input.RetryUntil ?? input.StopAt, input.StopAt)
            {
                MoreQuestions = input.Question is null ? [] : [.. (input.Merged ?? []).Select(message => message.Question)],
            },
            new ResponseObserver(address, threadId, input.Round, before.Length == 0 ? input.ReceivedAt : null, updates, memory, answer, heartbeat, clock, logger, over.Token),
            over.Token);
        var text = Join(before, response.Text);
        var used = TokenUsage.Sum(usedBefore, response.Usage);
        IReadOnlyList<string> messageIds = [.. soFar.MessageIds, .. response.MessageIds];
        var counting = CountAsync(input, response, over.Token);
        var recording = response.ToolCalls.Count == 0 && text.Length > 0 ? RecordAsync(input, messageIds, over.Token) : Task.CompletedTask;
        if (response.ToolCalls.Count > 0)
        {
            await answer.FinishAsync(over.Token);
            await memory.RememberSoFarAsync(address, input.Round, new(text, used) { MessageIds = messageIds, CallIds = [.. response.ToolCalls.Select(call => call.CallId)] }, over.Token);
            await counting;
            await updates.PublishAsync(address, Updates.Processing(address, threadId), $"processing:{input.Round}", over.Token);
            return new RunResult([.. response.ToolCalls.Select(call => call with { NeedsApproval = toolbox.NeedsApproval(call.Name, input.Caller) })], null);
        }

        await answer.StopAsync();
        await counting;
        await recording;
        if (text.Length == 0)
        {
            return Failed(response.Incomplete == AssistantResponse.ContentFilter
                ? Failure.From(AssistantFailure.ContentFilter, "The answer was withheld by a content filter.")
                : Failure.From(AssistantFailure.Incomplete, "The assistant answered with no text"));
        }

        over.Token.ThrowIfCancellationRequested();
        await FinishAsync(input, Updates.Completed(address, threadId, text) with { Incomplete = response.Incomplete, Usage = used }, client, stopping);
        return Whole;
    }

    /// <summary>Counted before the answer is told: a try that comes after would not do it any more. Nobody waits long for it.</summary>
    private async Task CountAsync(RunInput input, AssistantResponse response, CancellationToken cancellationToken)
    {
        if (response.Usage is not { } usage)
        {
            return;
        }

        try
        {
            await NoteAsync(input, () => CountAsync(response.Id.Length > 0 ? response.Id : $"{input.InstanceId}:{input.Round}", input.Address, usage), cancellationToken);
            foreach (var address in input.Round == 0 ? (input.Merged ?? []).Select(message => message.Address) : [])
            {
                // A message of its own, which used nothing.
                await NoteAsync(input, () => CountAsync(AnswerStarter.InstanceId(address), address, new TokenUsage(0, 0, 0, usage.Model, 0)), cancellationToken);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.UsageNotCounted(e, input.Address.MessageId, usage.InputTokens, usage.OutputTokens);
        }

        Task CountAsync(string responseId, MessageAddress address, TokenUsage used) =>
            ledger.CountAsync(responseId, address, input.Caller, address.Profile ?? AssistantProfile.BuiltIn, used, cancellationToken);
    }

    /// <summary>Recorded before the answer is told, for the same reason.</summary>
    private async Task RecordAsync(RunInput input, IReadOnlyList<string> messageIds, CancellationToken cancellationToken)
    {
        try
        {
            await NoteAsync(input, () => history.RecordAsync(input.Address, messageIds, Updates.CompletedStatus, input.ReceivedAt, input.Merged ?? [], cancellationToken), cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.HistoryNotRecorded(e, input.Address.MessageId);
        }
    }

    private Task NoteAsync(RunInput input, Func<Task> note, CancellationToken cancellationToken) =>
        RedisRetry.RunAsync(note, NotingPatience, clock, e => logger.RedisFailed(e, input.Address.MessageId), cancellationToken);

    /// <summary>From here on the answer counts as given, so neither a deadline nor a wish to cancel stops it.</summary>
    private async Task FinishAsync(RunInput input, UpdatePayload final, DurableTaskClient client, CancellationToken stopping)
    {
        var address = input.Address;
        await turn.AnnounceAsync(address, input.InstanceId, stopping);
        var isTold = await updates.PublishAsync(address, final, once: null, stopping);
        if (isTold)
        {
            Telemetry.AnswersCompleted.Add(1);
            Telemetry.Overall.Record((clock.GetUtcNow() - input.ReceivedAt).TotalSeconds, new KeyValuePair<string, object?>("outcome", Updates.CompletedStatus));
            logger.AnswerCompleted(address.MessageId, input.Round + 1);
            await ends.EndAsync(input.Merged ?? [], address, final, stopping);
        }

        await turn.GiveOnAsync(address, input.InstanceId, isTold, client, stopping);
    }

    /// <summary>Null if the message is not over; else what is left of its end is done.</summary>
    private async Task<RunResult?> FinishIfOverAsync(RunInput input, DurableTaskClient client, CancellationToken bounds, CancellationToken stopping) =>
        await FindEndAsync(input, bounds) switch
        {
            null => null,
            Updates.CompletedStatus => await FinishAgainAsync(input, client, stopping),
            _ => Failed(Failure.Over),
        };

    /// <summary>A try before had told the answer, and may have left undone what comes after that.</summary>
    private async Task<RunResult> FinishAgainAsync(RunInput input, DurableTaskClient client, CancellationToken stopping)
    {
        IReadOnlyList<MergedMessage>? merged = null;
        if (input.Merges)
        {
            merged = input.Merged ?? await turns.FindMergedAsync(input.Address, stopping);
            if ((await log.FindEndAsync(input.Address, stopping))?.Update?.Payload is { } final)
            {
                await ends.EndAsync(merged, input.Address, final, stopping);
            }
        }

        await turn.GiveOnAsync(input.Address, input.InstanceId, isAnswered: true, client, stopping);
        return Whole with { Merged = merged };
    }

    /// <summary>Waits for Redis, as all that follows does.</summary>
    private Task<string?> FindEndAsync(RunInput input, CancellationToken bounds) => RedisRetry.RunAsync(
        () => updates.FindEndAsync(input.Address, bounds), TimeSpan.MaxValue, clock, e => logger.RedisFailed(e, input.Address.MessageId), bounds);

    private static string Join(string before, string text) => before.Length == 0 || text.Length == 0 ? before + text : before + AssistantResponse.Paragraph + text;

    private static RunResult Whole { get; } = new([], null);

    private static RunResult Failed(Failure failure) => new([], failure);

    /// <summary>What the client was shown of the response, however it ends.</summary>
    private sealed class ShownText
    {
        public AnswerStream? Stream { get; set; }
    }
}
