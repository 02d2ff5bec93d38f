namespace Microsoft.DurableTask;

/// <summary>Thrown into an orchestrator when an activity or a sub-orchestration that it awaits failed.</summary>
#pragma warning disable CA1032 // The official type has no parameterless constructor either.
public sealed class TaskFailedException : Exception
#pragma warning restore CA1032
{
    public TaskFailedException(string taskName, int taskId, TaskFailureDetails failureDetails)
        : base($"Task '{taskName}' (#{taskId}) failed with an unhandled exception: {failureDetails?.ErrorMessage}")
    {
        ArgumentNullException.ThrowIfNull(failureDetails);
        TaskName = taskName;
        TaskId = taskId;
        FailureDetails = failureDetails;
    }

    public string TaskName { get; }

    /// <summary>The number of the task within its orchestration, counted from 0.</summary>
    public int TaskId { get; }

    public TaskFailureDetails FailureDetails { get; }

    /// <summary>True if another try would fail the same way, as with a name that no function has.</summary>
    internal bool IsNonRetriable { get; init; }
}
