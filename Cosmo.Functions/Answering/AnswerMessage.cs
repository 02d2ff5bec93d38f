using System.Text.Json;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Deadlines;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Cosmo.Functions.Answering;

/// <summary>
/// The orchestration of one message: its turn, the model's rounds and the tools between them, and the end. Deterministic:
/// whatever it decides by comes with the input, from an activity, an event or a durable timer.
/// </summary>
internal static class AnswerMessage
{
    public const string TurnGranted = nameof(TurnGranted);
    public const string ModelProgress = nameof(ModelProgress);
    public const string CancelRequested = nameof(CancelRequested);
    public const string MessagesMerged = nameof(MessagesMerged);

    private static readonly TimeSpan FirstTurnCheck = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTurnCheck = TimeSpan.FromSeconds(10);

    /// <summary>Who has waited for so long stands behind somebody who waits for a person, and looks more seldom.</summary>
    private static readonly TimeSpan LongQueue = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LateTurnCheck = TimeSpan.FromMinutes(2);

    /// <summary>How long work that was told to stop may take, before its end is no longer waited for.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(2);

    [Function(nameof(AnswerMessage))]
    public static async Task<AnswerResult> RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var input = context.GetInput<AnswerInput>()!;
        var cancelled = context.WaitForExternalEvent<bool>(CancelRequested);
        var progress = new AnswerProgress(input)
        {
            MergedAtFirst = input.Abandoned?.Merged is { } merged ? Task.FromResult(merged) : context.WaitForExternalEvent<IReadOnlyList<MergedMessage>>(MessagesMerged),
        };
        var failure = await TryAsync(context, progress, cancelled);
        if (failure is null && progress.Duplicate)
        {
            // It had its end elsewhere; what was asked together with it has none yet.
            await EndMergedAsync(context, progress, Failure.Unexpected("The message that it was asked together with had its end elsewhere"));
            return new AnswerResult(AnswerResult.Duplicate, null, 0);
        }

        if (failure is null && progress.Forgotten is { Count: > 0 } forgotten)
        {
            await EndMergedAsync(context, progress, Failure.Unexpected("Redis lost that it was asked together with another message"), forgotten);
        }

        var result = failure is null ? AnswerResult.Completed(progress.Round) : await FailAsync(context, progress, failure);
        foreach (var message in failure is null ? progress.Merged ?? [] : [])
        {
            await ReplyAsync(context, message.Address, message.Properties);
        }

        await ReplyAsync(context, input.Address, input.Properties);
        return result;
    }

    /// <summary>Gives the final update to the queue that the producer named, if it did.</summary>
    private static async Task ReplyAsync(TaskOrchestrationContext context, MessageAddress address, DeliveryProperties properties)
    {
        if (properties.FinalReplyTo is not { } replyTo)
        {
            return;
        }

        try
        {
            await context.CallActivityAsync(nameof(SendReply), new ReplyInput(address, replyTo, properties.CorrelationId), Tries.ForADay);
        }
        catch (TaskFailedException)
        {
            // The message has had its end; the activity logged why its producer was not told.
        }
    }

    /// <summary>Null, or what went wrong.</summary>
    private static async Task<Failure?> TryAsync(TaskOrchestrationContext context, AnswerProgress progress, Task cancelled)
    {
        try
        {
            if (progress.Input.Abandoned is { End: { } end } over)
            {
                // Its dead letter and its reply may be missing.
                return end switch
                {
                    Updates.CompletedStatus => null,
                    Updates.CancelledStatus => Failure.Cancelled,
                    _ => Failure.Unexpected(over.Reason),
                };
            }

            if (await TakeTurnAsync(context, progress.Input, cancelled) is { } noTurn)
            {
                return noTurn;
            }

            if (progress.Input.Abandoned is { } abandoned)
            {
                return Failure.Unexpected(abandoned.Reason);
            }

            using var watch = new DeadlineWatch(context, progress.Input.Deadlines, cancelled);
            return await AnswerAsync(context, progress, watch, cancelled);
        }
        catch (TaskFailedException e)
        {
            // All tries of a step failed.
            return Failure.Unexpected(e.FailureDetails.ErrorMessage);
        }
    }

    /// <summary>Waits until everything that came before in this channel is over. Null, or why the message will have no turn.</summary>
    private static async Task<Failure?> TakeTurnAsync(TaskOrchestrationContext context, AnswerInput input, Task cancelled)
    {
        var turn = new TurnResult(input.HasTurn, null);
        var (wait, begun) = (FirstTurnCheck, context.CurrentUtcDateTime);
        var granted = context.WaitForExternalEvent<bool>(TurnGranted);
        while (!turn.HasTurn && turn.Failure is null)
        {
            await context.WaitAsync(wait, granted, cancelled);
            if (cancelled.IsCompleted)
            {
                return Failure.Cancelled;
            }

            if (granted.IsCompleted)
            {
                // Whoever had the turn has given it to this one alone.
                return null;
            }

            turn = await context.CallActivityAsync<TurnResult>(nameof(CheckTurn), new TurnInput(input.Address, context.InstanceId, input.RunId), Tries.Few);
            var longest = context.CurrentUtcDateTime - begun < LongQueue ? LongestTurnCheck : LateTurnCheck;
            wait = wait * 2 < longest ? wait * 2 : longest;
        }

        return turn.Failure;
    }

    /// <summary>Has the model answer, with as many rounds of tools as it needs. Null, or what went wrong.</summary>
    private static async Task<Failure?> AnswerAsync(TaskOrchestrationContext context, AnswerProgress progress, DeadlineWatch watch, Task cancelled)
    {
        var input = progress.Input;
        IReadOnlyList<ToolOutput> outputs = [];
        for (progress.Round = 0; ; progress.Round++)
        {
            if (watch.IsCancelled)
            {
                return Failure.Cancelled;
            }

            context.SetCustomStatus(new AnswerStatus("responding", progress.Round, progress.ThreadId));
            var run = context.CallActivityAsync<RunResult>(
                nameof(RunAssistant),
                new RunInput(
                    input.Address, context.InstanceId, input.RunId, input.HasTurn, progress.ThreadId, progress.Round == 0 ? input.Question : null, outputs, input.Caller,
                    progress.Round, watch.FirstEventBy, watch.OverallAt, input.ReceivedAt, watch.RetryUntil)
                {
                    Replaces = input.Replaces,
                    Merges = input.Merges,
                    Merged = progress.Merged,
                },
                Tries.Within(watch.Left));
            progress.Work = run;
            if (await watch.WatchAsync(run) is { } late)
            {
                return late;
            }

            var result = await run;
            progress.Merged ??= result.Merged;
            progress.ThreadId = result.ThreadId ?? progress.ThreadId;
            if (result.Failure is { Cause: Failure.OverCause })
            {
                progress.Duplicate = true;
                return null;
            }

            if (result.Failure is { } failure)
            {
                // It kept its own deadline: whatever else stops it has ended the watch before.
                return failure.Cause == Failure.StoppedCause ? Failure.Overall(input.Deadlines.Overall) : failure;
            }

            context.SetCustomStatus(new AnswerStatus("responding", progress.Round, progress.ThreadId));
            watch.Hear();
            if (result.ToolCalls.Count == 0)
            {
                return null;
            }

            if (progress.Round == input.MaxToolRounds)
            {
                return Failure.TooManyRounds(input.MaxToolRounds);
            }

            context.SetCustomStatus(new AnswerStatus("executing tools", progress.Round, progress.ThreadId));
            var running = new Dictionary<string, Task<string>>();
            foreach (var call in result.ToolCalls.Where(call => !call.NeedsApproval))
            {
                running[call.CallId] = ExecuteAsync(call);
            }

            if (result.ToolCalls.Where(call => call.NeedsApproval).ToList() is { Count: > 0 } waiting)
            {
                progress.Work = Task.WhenAll(running.Values);
                foreach (var (call, decision) in waiting.Zip(await ApprovalWait.WaitAsync(context, progress, watch, cancelled, waiting)))
                {
                    running[call.CallId] = decision is { Approved: true } && !watch.IsCancelled ? ExecuteAsync(call) : Task.FromResult(NotApproved(decision));
                }
            }

            var tools = Task.WhenAll(result.ToolCalls.Select(call => running[call.CallId]));
            progress.Work = tools;
            if (await watch.WatchAsync(tools) is { } toolsLate)
            {
                return toolsLate;
            }

            outputs = [.. result.ToolCalls.Zip(await tools, (call, output) => new ToolOutput(call.CallId, output))];
        }

        Task<string> ExecuteAsync(ToolCall call) => context.CallActivityAsync<string>(
            nameof(ExecuteTool),
            new ToolInput(input.Address, context.InstanceId, progress.ThreadId!, call, input.Caller, watch.OverallAt, IsApproved: call.NeedsApproval),
            Tries.Within(watch.Left));
    }

    /// <summary>What the model is told of a call that is not made. What the person said is information to it.</summary>
    private static string NotApproved(ApprovalDecision? decision) => decision is null
        ? """{"error":"Nobody approved this in time, so it was not carried out. Tell the user so."}"""
        : JsonSerializer.Serialize(new { error = "A person refused this, so it was not carried out. Tell the user so.", reason = decision.Reason });

    /// <summary>Ends the answer for its client, gives the turn on, and keeps the message as a dead letter.</summary>
    private static async Task<AnswerResult> FailAsync(TaskOrchestrationContext context, AnswerProgress progress, Failure failure)
    {
        var input = progress.Input;
        context.SetCustomStatus(new AnswerStatus("failing: " + failure.Cause, progress.Round, progress.ThreadId));
        if (input.Abandoned?.End is null && await TellAsync(context, progress, failure))
        {
            await EndMergedAsync(context, progress, failure);
            return AnswerResult.Completed(progress.Round);
        }

        var ending = EndMergedAsync(context, progress, failure);
        if (failure.Cause != Failure.CancelledCause)
        {
            await context.CallActivityAsync(
                nameof(WriteDeadLetter),
                new DeadLetterInput(input.Address, input.Body, input.Properties, failure, input.Question, input.Caller) { Replaces = input.Replaces },
                Tries.ForADay);
        }

        await ending;
        return new AnswerResult("failed", failure.Cause, progress.Round + 1);
    }

    /// <summary>Ends the answer for its client, and gives the turn on. True if it was answered after all.</summary>
    private static async Task<bool> TellAsync(TaskOrchestrationContext context, AnswerProgress progress, Failure failure)
    {
        var input = progress.Input;
        await StopAsync(context, progress);
        try
        {
            return await context.CallActivityAsync<bool>(
                nameof(FailAnswer),
                new FailInput(input.Address, context.InstanceId, progress.HasBegun, progress.ThreadId, failure, input.ReceivedAt, input.Question, progress.Round)
                {
                    MayHaveMerged = progress.MayHaveMerged,
                    Merged = progress.Following,
                },
                Tries.Few);
        }
        catch (TaskFailedException)
        {
            // The activity logged it. What counts now is that the message is kept.
            return false;
        }
    }

    /// <summary>Each message that was asked together with this one ends as this one did, told by itself and kept by itself. Nothing where there are none.</summary>
    /// <param name="context">The orchestration's.</param>
    /// <param name="progress">How far it has come.</param>
    /// <param name="failure">What they end with.</param>
    /// <param name="forgotten">Those alone, which the answer is none to; null for all.</param>
    private static async Task EndMergedAsync(TaskOrchestrationContext context, AnswerProgress progress, Failure failure, IReadOnlyList<MergedMessage>? forgotten = null)
    {
        if (forgotten is null && !progress.MayHaveMerged)
        {
            return;
        }

        var input = progress.Input;
        var ended = await context.CallActivityAsync<IReadOnlyList<EndedMerged>>(
            nameof(EndMerged), new EndMergedInput(input.Address, progress.ThreadId, failure, forgotten ?? progress.Following) { IsWithoutThem = forgotten is not null }, Tries.ForADay);
        await Task.WhenAll(ended.Where(one => one.IsKept).Select(one => context.CallActivityAsync(
            nameof(WriteDeadLetter), new DeadLetterInput(one.Message.Address, Body: null, one.Message.Properties, failure, one.Message.Question, input.Caller), Tries.ForADay)));
        foreach (var one in ended)
        {
            await ReplyAsync(context, one.Message.Address, one.Message.Properties);
        }
    }

    /// <summary>
    /// Stops the work that is still under way and waits for its end: then no text of it is on its way to the client when the final update is sent, and no
    /// tool is asked for after the thread was repaired.
    /// </summary>
    private static async Task StopAsync(TaskOrchestrationContext context, AnswerProgress progress)
    {
        if (progress.Work is { IsCompleted: false } work)
        {
            try
            {
                await context.CallActivityAsync(nameof(StopWork), new StopInput(progress.Input.Address.Channel, context.InstanceId), Tries.Few);
            }
            catch (TaskFailedException)
            {
                // It was not told. It keeps its own deadline, and the fence keeps what it says from the client.
            }

            await context.WaitAsync(StopLimit, work);
            if (work is Task<RunResult> { IsCompletedSuccessfully: true, Result.ThreadId: { } threadId })
            {
                // Redis may have lost which thread is to be repaired.
                progress.ThreadId = threadId;
            }
        }
    }
}
