using Cosmo.Local.Runtime.Durable.History;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>What the orchestrator did in the current step, and the tasks of it that have not ended.</summary>
internal sealed class OpenTasks
{
    private readonly Dictionary<int, (string Name, TaskCompletionSource<string?> Completion)> _open = [];
    private readonly List<OrchestratorAction> _actions = [];
    private readonly HashSet<int> _cancelledTimers = [];
    private int _nextTaskId;

    public int Count => _open.Count;

    /// <summary>Records an action that is done with at once.</summary>
    public void Act(Func<int, OrchestratorAction> action) => _actions.Add(action(_nextTaskId++));

    /// <summary>Records an action whose end comes back as an event.</summary>
    public (int TaskId, Task<string?> End) Open(string name, Func<int, OrchestratorAction> action)
    {
        var taskId = _nextTaskId++;
        _actions.Add(action(taskId));
        var completion = new TaskCompletionSource<string?>();
        _open.Add(taskId, (name, completion));
        return (taskId, completion.Task);
    }

    /// <summary>Ends a task. The end of one that is not open has no effect: a cancelled timer may have fired before it knew.</summary>
    public void Complete(int taskId, string? result)
    {
        if (_open.Remove(taskId, out var task))
        {
            task.Completion.SetResult(result);
        }
    }

    /// <inheritdoc cref="Complete"/>
    public void Fail(TaskFailed failed)
    {
        if (_open.Remove(failed.TaskId, out var task))
        {
            task.Completion.SetException(
                new TaskFailedException(task.Name, failed.TaskId, failed.Failure) { IsNonRetriable = failed.IsNonRetriable });
        }
    }

    public void CancelTimer(int taskId, CancellationToken cancellation)
    {
        if (_open.Remove(taskId, out var timer))
        {
            _cancelledTimers.Add(taskId);
            timer.Completion.SetCanceled(cancellation);
        }
    }

    /// <summary>What was done, and which timers were cancelled, since this was last asked.</summary>
    public (IReadOnlyList<OrchestratorAction> Actions, IReadOnlyCollection<int> CancelledTimers) Take()
    {
        var taken = (_actions.ToArray(), _cancelledTimers.ToArray());
        _actions.Clear();
        _cancelledTimers.Clear();
        return taken;
    }
}
