using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Orchestrations;
using Microsoft.DurableTask.Worker.Grpc;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>The orchestration of a message, whose activities succeed at once unless a test says otherwise.</summary>
internal sealed class AnswerHarness : OrchestrationHarness
{
    private readonly OpenCall _untilStopped = new();

    public AnswerHarness()
        : base(
            nameof(AnswerMessage),
            request => GrpcOrchestrationRunner.LoadAndRun<AnswerInput, AnswerResult>(
                request, async (context, _) => await AnswerMessage.RunAsync(context)))
    {
        On<RunInput>(nameof(RunAssistant), _ => new RunResult([], null, "conv_1"));
        On<ToolInput>(nameof(ExecuteTool), input => $"output of {input.Call.Name}");
        On<TurnInput>(nameof(CheckTurn), _ => new TurnResult(true, null));
        On<StopInput>(nameof(StopWork), _ =>
        {
            _untilStopped.End(new RunResult([], Failure.Stopped));
            return null;
        });
        On<FailInput>(nameof(FailAnswer), _ => false);
        On<DeadLetterInput>(nameof(WriteDeadLetter), _ => null);
        On<EndMergedInput>(nameof(EndMerged), input => (input.Merged ?? []).Select(message => new EndedMerged(message, IsKept: true)));
        On<ReplyInput>(nameof(SendReply), _ => null);
        On<ApprovalInput>(nameof(AskApproval), _ => null);
        On<ApprovalInput>(nameof(CheckApproval), _ => null);
        On<ApprovalInput>(nameof(EndApproval), input => input.Decision);
    }

    /// <summary>The answer of an activity that goes on until it is told to stop.</summary>
    public OpenCall UntilStopped => _untilStopped;

    public static IReadOnlyList<ToolCall> Calling(params string[] names) => [.. names.Select((name, i) => new ToolCall($"call_{name}_{i}", name, "{}"))];

    public void Begin(
        bool hasTurn = true,
        DeliveryProperties? properties = null,
        string? replaces = null,
        bool merges = false,
        AnsweringOptions? options = null,
        AbandonedAnswer? abandoned = null,
        TimeSpan? approvalTime = null,
        DateTimeOffset? receivedAt = null)
    {
        var address = new MessageAddress("channel", "msg-1", 1);
        Begin(new AnswerInput(
            address, "Weather in Makati?", Caller.Anonymous, Body: null, properties ?? DeliveryProperties.None, "run", hasTurn, receivedAt ?? Now, (options ?? new()).Deadlines, MaxToolRounds: 8, approvalTime)
        {
            Replaces = replaces,
            Merges = merges,
            Abandoned = abandoned,
        });
    }

    /// <summary>Tells of an event of the model: one that came just now, or so long ago.</summary>
    public void Progress(TimeSpan ago = default) => Raise(AnswerMessage.ModelProgress, Now - ago);

    /// <summary>A person says yes or no to a call.</summary>
    public void Decide(string callId, bool approved, string? reason = null) =>
        Raise(ApprovalDesk.EventOf(callId), new ApprovalDecision(approved, reason, "backend:ana"));

    public void Cancel() => Raise(AnswerMessage.CancelRequested, true);

    /// <summary>Runs the orchestration to its end and returns its result.</summary>
    public AnswerResult End() => End<AnswerResult>();
}
