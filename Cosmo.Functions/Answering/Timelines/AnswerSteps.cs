using System.Text.Json;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using DurableTask.Core;
using DurableTask.Core.History;

namespace Cosmo.Functions.Answering.Timelines;

/// <summary>
/// Reads the steps of an answer from the history of its orchestration. A history has no inputs of activities, so which round, call or try one is follows from the order in
/// which <see cref="AnswerMessage"/> asks for them: what is asked for after one of its kind threw is the next try at that one.
/// </summary>
internal sealed class AnswerSteps
{
    /// <summary>The detail of the round that told the answer.</summary>
    public const string Whole = "the answer is whole";

    private readonly List<TimelineStep> _steps = [];

    /// <summary>The steps that activities under way belong to, by the ids of their events.</summary>
    private readonly Dictionary<int, int> _running = [];

    /// <summary>The steps whose activity threw, the first first.</summary>
    private readonly Dictionary<string, Queue<int>> _thrown = [];

    /// <summary>The looks for the turn that are under way.</summary>
    private readonly HashSet<int> _looking = [];
    private readonly Queue<ToolCall> _toExecute = new();
    private readonly Queue<ToolCall> _toAsk = new();

    /// <summary>What a person is asked about in this round, in order: the call and its step.</summary>
    private readonly List<(ToolCall Call, int Step)> _asked = [];
    private int _rounds;
    private int _looks;
    private int _endings;
    private int? _turn;
    private bool _isGranted;
    private bool _isFound;
    private DateTimeOffset? _timerFired;

    public AnswerSteps(IEnumerable<HistoryEvent> history)
    {
        foreach (var happened in history)
        {
            Read(happened, new DateTimeOffset(DateTime.SpecifyKind(happened.Timestamp, DateTimeKind.Utc)));
        }
    }

    /// <summary>In the order in which they began.</summary>
    public IReadOnlyList<TimelineStep> All => _steps;

    public AnswerInput? Input { get; private set; }

    /// <summary>Null while it runs, and where it had no result.</summary>
    public AnswerResult? Result { get; private set; }

    public string? ThreadId { get; private set; }

    /// <summary>Why it failed, for people: what the last failure said.</summary>
    public string? Reason { get; private set; }

    private void Read(HistoryEvent happened, DateTimeOffset at)
    {
        switch (happened)
        {
            case OrchestratorStartedEvent:
                _timerFired = null;
                break;
            case ExecutionStartedEvent started:
                Input = Parse<AnswerInput>(started.Input);
                _turn = Add(new TimelineStep(TimelineStep.Turn, Input?.ReceivedAt ?? at));
                break;
            case EventRaisedEvent { Name: AnswerMessage.TurnGranted }:
                _isGranted = true;
                break;
            case EventRaisedEvent { Name: AnswerMessage.CancelRequested }:
                Add(new TimelineStep(TimelineStep.Cancel, at).End(at, "done"));
                break;
            case TimerFiredEvent:
                _timerFired = at;
                break;
            case TaskScheduledEvent scheduled:
                Schedule(scheduled.EventId, scheduled.Name!, at);
                break;
            case TaskCompletedEvent completed when _looking.Remove(completed.TaskScheduledId):
                _isFound = Parse<TurnResult>(completed.Result) is { HasTurn: true };
                break;
            case TaskCompletedEvent completed when _running.Remove(completed.TaskScheduledId, out var step):
                Complete(step, completed.Result, at);
                break;
            case TaskFailedEvent failed when _running.Remove(failed.TaskScheduledId, out var step):
                Reason = failed.FailureDetails?.ErrorMessage ?? failed.Reason;
                _steps[step] = _steps[step].End(at, "failed", Reason);
                Thrown(_steps[step].Kind).Enqueue(step);
                break;
            case ExecutionCompletedEvent completed:
                Result = completed.OrchestrationStatus == OrchestrationStatus.Completed ? Parse<AnswerResult>(completed.Result) : null;
                Reason = Result is null ? completed.FailureDetails?.ErrorMessage ?? completed.Result : Reason;
                EndTurn(at, "failed");
                break;
            case ExecutionTerminatedEvent terminated:
                Reason = terminated.Input;
                EndTurn(at, "failed");
                break;
        }
    }

    private void Schedule(int id, string activity, DateTimeOffset at)
    {
        switch (activity)
        {
            case nameof(CheckTurn):
                _looks++;
                _looking.Add(id);
                return;
            case nameof(CheckApproval):
                return;
            case nameof(EndApproval):
                // They are asked for in the order of the calls, and ended so too.
                if (Thrown(TimelineStep.Approval).TryDequeue(out var asked))
                {
                    _running[id] = asked;
                }
                else if (_endings < _asked.Count)
                {
                    _running[id] = _asked[_endings++].Step;
                }

                return;
        }

        // Where a whole orchestration failed and the end was told, none is needed.
        EndTurn(at, Input is { HasTurn: true } or { Abandoned.End: not null } || _isGranted || _isFound ? "done" : "failed");
        var kind = KindOf(activity);
        if (kind == TimelineStep.Stop && _timerFired is { } fired && !_steps.Exists(step => step.Kind is TimelineStep.Cancel or TimelineStep.Deadline))
        {
            // Of all timers only a deadline's has work stopped.
            Add(new TimelineStep(TimelineStep.Deadline, fired).End(fired, "done"));
        }

        if (Thrown(kind).TryDequeue(out var again))
        {
            var step = _steps[again];
            _steps[again] = step with { EndedAt = null, Seconds = null, State = "running", Tries = step.Tries + 1 };
            _running[id] = again;
            return;
        }

        _running[id] = Add(new TimelineStep(kind, at));
        switch (kind)
        {
            case TimelineStep.Round:
                _steps[^1] = _steps[^1] with { Number = _rounds++ };
                break;
            case TimelineStep.Tool when _toExecute.TryDequeue(out var call):
                _steps[^1] = Of(call, _steps[^1]);
                break;
            case TimelineStep.Approval when _toAsk.TryDequeue(out var call):
                _steps[^1] = Of(call, _steps[^1]);
                _asked.Add((call, _steps.Count - 1));
                break;
        }
    }

    private void Complete(int index, string? result, DateTimeOffset at)
    {
        var step = _steps[index];
        _steps[index] = step.Kind switch
        {
            TimelineStep.Round => EndRound(step, Parse<RunResult>(result), at),

            // The call was put before a person; what is waited for now is the end of that.
            TimelineStep.Approval when _endings == 0 => step,
            TimelineStep.Approval => Decide(step, Parse<ApprovalDecision>(result), at),
            TimelineStep.Tool => step.End(at, "ended"),
            _ => step.End(at, "done"),
        };
    }

    private TimelineStep EndRound(TimelineStep step, RunResult? result, DateTimeOffset at)
    {
        ThreadId = result?.ThreadId ?? ThreadId;
        var calls = result?.ToolCalls ?? [];
        _asked.Clear();
        _endings = 0;
        foreach (var call in calls)
        {
            (call.NeedsApproval ? _toAsk : _toExecute).Enqueue(call);
        }

        if (result?.Failure is { } failure)
        {
            // One that was told to stop does not know why.
            Reason = failure.Cause is Failure.StoppedCause or Failure.CancelledCause or Failure.OverCause ? Reason : failure.Reason ?? failure.Details;
        }

        return step.End(
            at,
            result?.Failure is null ? "done" : "failed",
            result?.Failure?.Cause ?? (calls.Count > 0 ? $"asks for {string.Join(", ", calls.Select(call => call.Name))}" : Whole)) with
        {
            FirstTextAt = result?.FirstTextAt,
            TextUpdates = result?.TextUpdates,
        };
    }

    private TimelineStep Decide(TimelineStep step, ApprovalDecision? decision, DateTimeOffset at)
    {
        if (decision is { Approved: true })
        {
            _toExecute.Enqueue(_asked.Find(one => one.Call.CallId == step.CallId).Call);
        }

        return step.End(
            at, decision is null ? "expired" : decision.Approved ? "approved" : "refused", decision is null ? "nobody decided in time" : $"by {decision.By}");
    }

    private void EndTurn(DateTimeOffset at, string state)
    {
        if (_turn is { } turn)
        {
            _turn = null;
            var how = Input is { HasTurn: true } ? "at once"
                : _isGranted ? "given by the message before"
                : Input is { Abandoned.End: not null } ? "was over"
                : $"found in {_looks} looks";
            _steps[turn] = _steps[turn].End(at, state, state == "done" ? how : "it had none");
        }
    }

    private int Add(TimelineStep step)
    {
        _steps.Add(step);
        return _steps.Count - 1;
    }

    private Queue<int> Thrown(string kind) => _thrown.TryGetValue(kind, out var queue) ? queue : _thrown[kind] = new Queue<int>();

    private TimelineStep Of(ToolCall call, TimelineStep step) => step with { Number = _rounds - 1, Name = call.Name, CallId = call.CallId };

    private static T? Parse<T>(string? json)
        where T : class => json is null ? null : JsonSerializer.Deserialize<T>(json, JsonSerializerOptions.Web);

    private static string KindOf(string activity) => activity switch
    {
        nameof(RunAssistant) => TimelineStep.Round,
        nameof(ExecuteTool) => TimelineStep.Tool,
        nameof(AskApproval) => TimelineStep.Approval,
        nameof(StopWork) => TimelineStep.Stop,
        nameof(FailAnswer) => TimelineStep.Fail,
        nameof(EndMerged) => TimelineStep.Merged,
        nameof(WriteDeadLetter) => TimelineStep.DeadLetter,
        nameof(SendReply) => TimelineStep.Reply,
        _ => activity,
    };
}
