using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Worker.Grpc;
using P = Microsoft.DurableTask.Protobuf;

namespace Cosmo.Functions.Tests.Orchestrations;

/// <summary>
/// Drives one orchestration on the official worker's own replay, without any host: each step replays all that has happened on the orchestrator, adds what
/// is new, and takes its decisions. The clock stands still until it is moved, so that a day passes in a moment; activities do what a test says.
/// </summary>
/// <param name="name">The orchestrator's name.</param>
/// <param name="replay">Runs a step: <see cref="GrpcOrchestrationRunner"/> with the orchestrator under test.</param>
internal class OrchestrationHarness(string name, Func<string, string> replay)
{
    public const string InstanceId = "orchestration-under-test";

    /// <summary>An orchestration that comes this far turns in a circle.</summary>
    private const int MostSteps = 20_000;

    private readonly Dictionary<string, Func<string?, object?>> _functions = [];
    private readonly List<FunctionCall> _calls = [];
    private readonly List<P.HistoryEvent> _history = [];
    private readonly List<P.HistoryEvent> _left = [];
    private readonly PriorityQueue<P.HistoryEvent, (DateTimeOffset Due, int Order)> _coming = new();
    private P.CompleteOrchestrationAction? _end;
    private int _order;
    private int _steps;
    private bool _isStepping;

    /// <summary>The time that the orchestration reads.</summary>
    public DateTimeOffset Now { get; private set; } = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The orchestration has ended: its code, and all that it had begun.</summary>
    public bool HasEnded => _end is not null;

    /// <summary>The activities and sub-orchestrations that were begun, in order; each try of a retried one is a call of its own.</summary>
    public IReadOnlyList<string> Calls => [.. _calls.Select(call => call.Name)];

    /// <summary>Everything that has happened, as a Durable store keeps it.</summary>
    public IReadOnlyList<P.HistoryEvent> History => _history;

    /// <summary>The same, after the histories that it left when it continued as new.</summary>
    public IEnumerable<P.HistoryEvent> Histories => _left.Concat(_history);

    /// <summary>The custom status as JSON, or null.</summary>
    public string? CustomStatus { get; private set; }

    /// <summary>
    /// Says what an activity or a sub-orchestration does. Its answer is the result; an exception fails it, a <see cref="Later"/> answers after some time,
    /// an <see cref="OpenCall"/> when the test says so.
    /// </summary>
    public void On<TInput>(string function, Func<TInput, object?> answer) =>
        _functions[function] = input => answer(JsonDataConverter.Default.Deserialize<TInput>(input)!);

    /// <summary>Has something happen to a function first: its failure, or null to let it do what it does.</summary>
    public void Before(string function, Func<Exception?> happens)
    {
        var answer = _functions[function];
        _functions[function] = input => happens() ?? answer(input);
    }

    /// <summary>The inputs of a function's calls, in order.</summary>
    public IReadOnlyList<TInput> Inputs<TInput>(string function) =>
        [.. CallsOf(function).Select(call => JsonDataConverter.Default.Deserialize<TInput>(call.Input)!)];

    /// <summary>When a function was called.</summary>
    public IReadOnlyList<DateTimeOffset> Times(string function) => [.. CallsOf(function).Select(call => call.At)];

    /// <summary>Starts the orchestration and runs it until it waits.</summary>
    public void Begin(object input)
    {
        Come(TimeSpan.Zero, Started(JsonDataConverter.Default.Serialize(input)));
        Run();
    }

    /// <summary>Raises an external event now.</summary>
    public void Raise(string eventName, object? payload)
    {
        Come(TimeSpan.Zero, new P.HistoryEvent { EventRaised = new P.EventRaisedEvent { Name = eventName, Input = JsonDataConverter.Default.Serialize(payload) } });
        Run();
    }

    /// <summary>Runs the orchestration until nothing more happens at this moment.</summary>
    public void Run() => Advance(TimeSpan.Zero);

    /// <summary>Lets time pass. What falls due meanwhile happens at its own moment.</summary>
    public void Advance(TimeSpan by)
    {
        if (_isStepping)
        {
            // An activity raises an event: that comes after what it belongs to.
            return;
        }

        var until = Now + by;
        while (!HasEnded && _coming.TryPeek(out _, out var next) && next.Due <= until)
        {
            Step();
        }

        Now = until;
    }

    /// <summary>Lets as much time pass as the orchestration needs to its end, and returns its result.</summary>
    public TOutput End<TOutput>()
    {
        RunToEnd();
        _end!.OrchestrationStatus.ShouldBe(P.OrchestrationStatus.Completed, _end.FailureDetails?.ErrorMessage);
        return JsonDataConverter.Default.Deserialize<TOutput>(_end.Result)!;
    }

    /// <summary>Lets as much time pass as the orchestration needs to its end, whichever that is.</summary>
    public void RunToEnd()
    {
        while (!HasEnded)
        {
            _coming.Count.ShouldBePositive($"The orchestration waits for what nobody does. It called: {string.Join(", ", Calls)}.");
            Step();
        }
    }

    /// <summary>What the orchestrator decides in a step: as events, without the time of their being noted.</summary>
    /// <param name="past">What was before.</param>
    /// <param name="news">What is new.</param>
    public IReadOnlyList<P.HistoryEvent> Decide(IReadOnlyList<P.HistoryEvent> past, IReadOnlyList<P.HistoryEvent> news) => [.. Replay(past, news).Actions.Select(Noted)];

    private P.OrchestratorResponse Replay(IReadOnlyList<P.HistoryEvent> past, IReadOnlyList<P.HistoryEvent> news)
    {
        var request = new P.OrchestratorRequest { InstanceId = InstanceId, PastEvents = { past }, NewEvents = { news } };
        return P.OrchestratorResponse.Parser.ParseFrom(Convert.FromBase64String(replay(Convert.ToBase64String(request.ToByteArray()))));
    }

    /// <summary>One thing happens, and the orchestrator decides.</summary>
    private void Step()
    {
        (++_steps).ShouldBeLessThan(MostSteps, "The orchestration does not end.");
        _coming.TryDequeue(out var happens, out var when).ShouldBeTrue();
        Now = when.Due > Now ? when.Due : Now;
        P.HistoryEvent[] news = [At(new P.HistoryEvent { OrchestratorStarted = new P.OrchestratorStartedEvent() }), At(happens!)];
        var response = Replay(_history, news);
        CustomStatus = response.CustomStatus;
        _history.AddRange(news);
        var begun = response.Actions.Select(Take).ToList();
        if (_history.Count > 0)
        {
            // Else it continues as new, with a history that begins with its next step.
            _history.Add(At(new P.HistoryEvent { OrchestratorCompleted = new P.OrchestratorCompletedEvent() }));
        }

        // Only now: what is decided in one step begins side by side.
        _calls.AddRange(begun.OfType<FunctionCall>());
        _isStepping = true;
        foreach (var call in begun.OfType<FunctionCall>())
        {
            Answer(call, Ask(call));
        }

        _isStepping = false;
    }

    /// <summary>Notes a decision, and what will come of it. Returns the call, if it is one.</summary>
    private FunctionCall? Take(P.OrchestratorAction action)
    {
        FunctionCall? call = null;
        switch (action)
        {
            case { ScheduleTask: { } task }:
                // An activity's input travels as an array of one.
                call = new FunctionCall(task.Name, action.Id, task.Input is null ? null : task.Input[1..^1], Now, IsActivity: true);
                break;
            case { CreateSubOrchestration: { } child }:
                call = new FunctionCall(child.Name, action.Id, child.Input, Now, IsActivity: false);
                break;
            case { CreateTimer: { } timer }:
                // A timer that was cancelled fires all the same, and is ignored.
                Come(
                    timer.FireAt.ToDateTimeOffset() - Now,
                    new P.HistoryEvent { TimerFired = new P.TimerFiredEvent { FireAt = timer.FireAt, TimerId = action.Id } });
                break;
            case { CompleteOrchestration: { OrchestrationStatus: P.OrchestrationStatus.ContinuedAsNew } next }:
                _left.AddRange([.. _history, At(Noted(action), action.Id)]);
                _history.Clear();
                _coming.Clear();
                Come(TimeSpan.Zero, Started(next.Result));
                foreach (var carried in next.CarryoverEvents)
                {
                    Come(TimeSpan.Zero, carried);
                }

                return null;
            case { CompleteOrchestration: { } end }:
                _end = end;
                break;
        }

        _history.Add(At(Noted(action), action.Id));
        return call;
    }

    /// <summary>A decision as the history has it.</summary>
    private static P.HistoryEvent Noted(P.OrchestratorAction action) => action switch
    {
        { ScheduleTask: { } task } => new() { EventId = action.Id, TaskScheduled = new() { Name = task.Name, Version = task.Version, Input = task.Input } },
        { CreateSubOrchestration: { } child } => new()
        {
            EventId = action.Id,
            SubOrchestrationInstanceCreated = new() { InstanceId = child.InstanceId, Name = child.Name, Version = child.Version, Input = child.Input },
        },
        { CreateTimer: { } timer } => new() { EventId = action.Id, TimerCreated = new() { FireAt = timer.FireAt } },
        { SendEvent: { } sent } => new() { EventId = action.Id, EventSent = new() { InstanceId = sent.Instance.InstanceId, Name = sent.Name, Input = sent.Data } },
        { CompleteOrchestration: { } end } => new()
        {
            EventId = action.Id,
            ExecutionCompleted = new() { OrchestrationStatus = end.OrchestrationStatus, Result = end.Result, FailureDetails = Untraced(end.FailureDetails) },
        },
        _ => throw new NotSupportedException($"The harness knows no action {action.OrchestratorActionTypeCase}."),
    };

    /// <summary>Without the lines of the sources in which it was thrown, which say nothing about a decision.</summary>
    private static P.TaskFailureDetails? Untraced(P.TaskFailureDetails? failure)
    {
        failure?.StackTrace = null;
        return failure;
    }

    private object? Ask(FunctionCall call)
    {
        try
        {
            return _functions[call.Name](call.Input);
        }
        catch (Exception e) when (e is not KeyNotFoundException)
        {
            return e;
        }
    }

    private void Answer(FunctionCall call, object? answer, TimeSpan after = default)
    {
        switch (answer)
        {
            case Later later:
                Answer(call, later.Answer, after + later.After);
                break;
            case OpenCall open:
                open.WhenEnded(result => Answer(call, result));
                break;
            case Exception failure when call.IsActivity:
                Come(after, new P.HistoryEvent { TaskFailed = new P.TaskFailedEvent { TaskScheduledId = call.Id, FailureDetails = Details(failure) } });
                break;
            case Exception failure:
                Come(after, new P.HistoryEvent
                {
                    SubOrchestrationInstanceFailed = new P.SubOrchestrationInstanceFailedEvent { TaskScheduledId = call.Id, FailureDetails = Details(failure) },
                });
                break;
            case var result when call.IsActivity:
                Come(after, new P.HistoryEvent { TaskCompleted = new P.TaskCompletedEvent { TaskScheduledId = call.Id, Result = JsonDataConverter.Default.Serialize(result) } });
                break;
            case var result:
                Come(after, new P.HistoryEvent
                {
                    SubOrchestrationInstanceCompleted = new P.SubOrchestrationInstanceCompletedEvent
                    {
                        TaskScheduledId = call.Id,
                        Result = JsonDataConverter.Default.Serialize(result),
                    },
                });
                break;
        }
    }

    private static P.TaskFailureDetails Details(Exception failure) => new()
    {
        ErrorType = failure.GetType().FullName,
        ErrorMessage = failure.Message,
        StackTrace = failure.StackTrace,
    };

    private P.HistoryEvent Started(string? input) => new()
    {
        ExecutionStarted = new P.ExecutionStartedEvent
        {
            Name = name,
            Input = input,
            OrchestrationInstance = new P.OrchestrationInstance { InstanceId = InstanceId, ExecutionId = "execution" },
        },
    };

    private void Come(TimeSpan after, P.HistoryEvent happens) => _coming.Enqueue(happens, (after > TimeSpan.Zero ? Now + after : Now, _order++));

    /// <param name="id">The decision's number; what is no decision has none.</param>
    private P.HistoryEvent At(P.HistoryEvent happens, int id = -1)
    {
        happens.EventId = id;
        happens.Timestamp = Timestamp.FromDateTimeOffset(Now);
        return happens;
    }

    private IEnumerable<FunctionCall> CallsOf(string function) => _calls.Where(call => call.Name == function);

    private sealed record FunctionCall(string Name, int Id, string? Input, DateTimeOffset At, bool IsActivity);
}

/// <summary>What a function answers, or fails with, when it has taken some time.</summary>
internal sealed record Later(TimeSpan After, object? Answer);

/// <summary>A function that goes on until it is told its end; called after that, it ends at once.</summary>
internal sealed class OpenCall
{
    private readonly List<Action<object?>> _waiting = [];
    private bool _hasEnded;
    private object? _answer;

    public void End(object? answer)
    {
        (_hasEnded, _answer) = (true, answer);
        _waiting.ForEach(told => told(answer));
        _waiting.Clear();
    }

    public void WhenEnded(Action<object?> told)
    {
        if (_hasEnded)
        {
            told(_answer);
        }
        else
        {
            _waiting.Add(told);
        }
    }
}
