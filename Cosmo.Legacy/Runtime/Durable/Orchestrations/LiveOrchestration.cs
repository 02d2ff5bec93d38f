using Cosmo.Local.Runtime.Durable.History;
using Cosmo.Local.Runtime.Durable.Storage;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>
/// An execution in memory: an orchestrator that waits somewhere in its code. It is made by a replay of the history, and may be thrown away
/// after any step. Steps are taken one at a time, by any thread.
/// </summary>
internal sealed class LiveOrchestration
{
    private readonly IDurableFunctions _functions;
    private readonly DataConverter _converter;
    private readonly OrchestratorThread _thread;
    private readonly LocalOrchestrationContext _context;
    private readonly Action<long> _onStray;
    private Task<object?>? _orchestrator;
    private volatile bool _hasStrayed;

    /// <param name="execution">The execution, as it is stored.</param>
    /// <param name="functions">Has the orchestrator.</param>
    /// <param name="converter">For input, output, payloads.</param>
    /// <param name="loggers">For the orchestrator's own log.</param>
    /// <param name="onStray">Called, by any thread, when the orchestrator's code goes on outside a step: the execution is due for one.</param>
    public LiveOrchestration(
        Execution execution, IDurableFunctions functions, DataConverter converter, ILoggerFactory loggers, Action<long> onStray)
    {
        Execution = execution;
        _functions = functions;
        _converter = converter;
        _onStray = onStray;
        _thread = new OrchestratorThread(Stray);
        _context = new LocalOrchestrationContext(execution, _thread, converter, loggers);
    }

    /// <summary>The execution as it was stored after the last step.</summary>
    public Execution Execution { get; set; }

    /// <summary>Whether a step would do something even with no message.</summary>
    public bool IsDue => _orchestrator is null || _hasStrayed;

    /// <summary>Brings the orchestrator to where its history ends.</summary>
    /// <exception cref="NonDeterministicOrchestrationException">It does not go there.</exception>
    public void Replay(IReadOnlyList<HistoryEvent> history)
    {
        var check = new ReplayCheck(Execution.Name);
        _context.Replaying = true;
        for (var sequence = 0; sequence < history.Count; sequence++)
        {
            switch (history[sequence])
            {
                case OrchestratorStarted started:
                    check.Verify(_context.Tasks.Take().Actions, sequence);
                    _context.BeginStep(started.Timestamp);
                    break;
                case OrchestratorAction action:
                    check.Expect(sequence, action);
                    break;
                case var message:
                    Apply(message);
                    break;
            }
        }

        check.Verify(_context.Tasks.Take().Actions, history.Count);
        _context.Replaying = false;
    }

    /// <summary>Lets the orchestrator see the messages, one after the other, and says what it did.</summary>
    public StepResult Step(IEnumerable<HistoryEvent> messages, DateTime now)
    {
        now = now > _context.CurrentUtcDateTime ? now : _context.CurrentUtcDateTime;
        _context.BeginStep(now);
        List<HistoryEvent> events = [new OrchestratorStarted(now)];
        if (_orchestrator is null)
        {
            events.Add(new ExecutionStarted(Execution.Name));
            Apply(events[^1]);
        }

        foreach (var message in messages)
        {
            events.Add(message);
            Apply(message);
        }

        var (actions, cancelledTimers) = _context.Tasks.Take();
        events.AddRange(actions);
        var result = new StepResult(Execution, now)
        {
            Status = OrchestrationRuntimeStatus.Running,
            CustomStatus = _context.CustomStatus,
            Events = events,
            CancelledTimers = cancelledTimers,
        };
        return End() switch
        {
            null => result,
            { Status: OrchestrationRuntimeStatus.Completed } when _context.NextRun.Asked
                => result with { Continuation = new Continuation(_context.NextRun.Input, _context.Events.TakeKept()) },
            var end => result with { Status = end.Status, Events = [.. events, end], End = end },
        };
    }

    private void Apply(HistoryEvent happened) => _thread.Run(() =>
    {
        switch (happened)
        {
            case ExecutionStarted:
                _orchestrator = RunAsync();
                break;
            case TaskCompleted completed:
                _context.Tasks.Complete(completed.TaskId, completed.Result);
                break;
            case TaskFailed failed:
                _context.Tasks.Fail(failed);
                break;
            case TimerFired fired:
                _context.Tasks.Complete(fired.TaskId, null);
                break;
            case EventRaised raised when _context.NextRun.Asked:
                _context.Events.Keep(raised);
                break;
            case EventRaised raised:
                _context.Events.Raise(raised);
                break;
        }
    });

    // The await brings an exception of the call itself into the task, and an end that came from another thread to the thread's notice.
    private async Task<object?> RunAsync() => await _functions.RunOrchestratorAsync(Execution.Name, _context);

    /// <summary>An orchestration ends when its orchestrator has returned and nothing that it began is open any more.</summary>
    private ExecutionCompleted? End()
    {
        if (_hasStrayed)
        {
            return Fail(Outsider("went on outside a step, after a wait for something that was not a task of its context"));
        }

        if (_orchestrator is not { IsCompleted: true })
        {
            return _context.Tasks.Count > 0 || _context.Events.HasWaiters
                ? null
                : Fail(Outsider("waits for something that is not a task of its context: nothing is outstanding, yet it has not returned"));
        }

        if (_context.Tasks.Count > 0)
        {
            return null;
        }

        try
        {
            var output = _converter.Serialize(_orchestrator.GetAwaiter().GetResult());
            return new ExecutionCompleted(OrchestrationRuntimeStatus.Completed, output);
        }
        catch (Exception error)
        {
            return Fail(error);
        }
    }

    private static ExecutionCompleted Fail(Exception error)
        => new(OrchestrationRuntimeStatus.Failed, null, TaskFailureDetails.FromException(error));

    private NonDeterministicOrchestrationException Outsider(string what) => new(
        $"The orchestrator '{Execution.Name}' {what}. Such a wait cannot be replayed: no Task.Run, Task.Delay, I/O or ConfigureAwait(false) in an "
        + "orchestrator; call an activity, or use the context's timers.");

    private void Stray()
    {
        _hasStrayed = true;
        _onStray(Execution.ExecutionId);
    }
}
