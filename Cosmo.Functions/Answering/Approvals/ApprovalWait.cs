using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Deadlines;
using Cosmo.Functions.Assistants;
using Microsoft.DurableTask;

namespace Cosmo.Functions.Answering.Approvals;

/// <summary>The part of the orchestration that waits for a person to say yes or no to calls of tools. Meanwhile the answer's clocks stand still, and its channel's turn is kept.</summary>
internal static class ApprovalWait
{
    /// <summary>So often it is looked whether the event of a decision was lost, and the turn is kept.</summary>
    public static readonly TimeSpan Round = TimeSpan.FromMinutes(5);

    /// <summary>What was decided on each call, in their order: null where nobody said anything in time, or the message was cancelled.</summary>
    /// <param name="context">The orchestration.</param>
    /// <param name="progress">How far the answer has come.</param>
    /// <param name="watch">Its clocks.</param>
    /// <param name="cancelled">Ends the waiting.</param>
    /// <param name="calls">What is to be decided on.</param>
    public static async Task<IReadOnlyList<ApprovalDecision?>> WaitAsync(
        TaskOrchestrationContext context, AnswerProgress progress, DeadlineWatch watch, Task cancelled, IReadOnlyList<ToolCall> calls)
    {
        var begun = context.CurrentUtcDateTime;
        var expires = begun + (progress.Input.ApprovalTime ?? TimeSpan.FromMinutes(AnsweringOptions.DefaultApprovalMinutes));
        var decisions = calls.Select(call => context.WaitForExternalEvent<ApprovalDecision>(ApprovalDesk.EventOf(call.CallId))).ToList();
        context.SetCustomStatus(new AnswerStatus("awaiting approval", progress.Round, progress.ThreadId));
        await Task.WhenAll(calls.Select(call => context.CallActivityAsync(nameof(AskApproval), Input(call), Tries.Few)));
        var lookAt = begun + Round;
        while (decisions.Exists(decision => !decision.IsCompleted) && !cancelled.IsCompleted && context.CurrentUtcDateTime < expires)
        {
            // A decision does not put it off: the turn would be lost meanwhile.
            if (!await context.WaitAsync((lookAt < expires ? lookAt : expires) - context.CurrentUtcDateTime, [cancelled, .. decisions.Where(decision => !decision.IsCompleted)]))
            {
                lookAt = context.CurrentUtcDateTime + Round;
                foreach (var (call, at) in calls.Select((call, at) => (call, at)).Where(one => !decisions[one.at].IsCompleted).ToList())
                {
                    var kept = await context.CallActivityAsync<ApprovalDecision?>(nameof(CheckApproval), Input(call), Tries.Few);
                    decisions[at] = kept is null ? decisions[at] : Task.FromResult(kept);
                }
            }
        }

        var ended = await Task.WhenAll(calls.Select((call, at) => context.CallActivityAsync<ApprovalDecision?>(
            nameof(EndApproval), Input(call) with { Decision = decisions[at].IsCompletedSuccessfully ? decisions[at].Result : null }, Tries.Few)));
        watch.Pause(context.CurrentUtcDateTime - begun);
        return ended;

        ApprovalInput Input(ToolCall call) =>
            new(progress.Input.Address, context.InstanceId, progress.ThreadId!, call, new DateTimeOffset(expires, TimeSpan.Zero));
    }
}
