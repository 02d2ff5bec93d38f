namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>
/// Where the code of one orchestrator runs: on whichever thread carries out a step, one callback after the other. What comes from another
/// thread did not come from the context, so it has no place in the history and is not run.
/// </summary>
internal sealed class OrchestratorThread(Action onForeignCallback) : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = [];
    private int _threadId;

    /// <summary>Whether the calling code runs as part of the orchestrator.</summary>
    public bool IsCurrent => Volatile.Read(ref _threadId) == Environment.CurrentManagedThreadId;

    /// <exception cref="InvalidOperationException">The calling code does not run as part of the orchestrator.</exception>
    public void ThrowIfElsewhere()
    {
        if (ReportIfElsewhere())
        {
            throw new InvalidOperationException(
                "The context of an orchestration was used outside the orchestrator's own flow. Await nothing but tasks of the context, "
                + "without ConfigureAwait(false), and start no thread.");
        }
    }

    /// <summary>Tells the orchestration if the calling code does not run as part of the orchestrator.</summary>
    public bool ReportIfElsewhere()
    {
        if (!IsCurrent)
        {
            onForeignCallback();
            return true;
        }

        return false;
    }

    /// <summary>Runs an action and all that follows from it.</summary>
    public void Run(Action action)
    {
        var previous = Current;
        SetSynchronizationContext(this);
        Volatile.Write(ref _threadId, Environment.CurrentManagedThreadId);
        try
        {
            action();
            while (_posted.TryDequeue(out var next))
            {
                next.Callback(next.State);
            }
        }
        finally
        {
            Volatile.Write(ref _threadId, 0);
            SetSynchronizationContext(previous);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!ReportIfElsewhere())
        {
            _posted.Enqueue((d, state));
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        ThrowIfElsewhere();
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
