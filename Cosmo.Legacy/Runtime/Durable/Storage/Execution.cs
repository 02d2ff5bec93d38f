using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>One run of an instance, without its history.</summary>
internal sealed record Execution(
    long ExecutionId,
    string InstanceId,
    string Name,
    OrchestrationRuntimeStatus Status,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    DateTime? StartAt,
    string? Input,
    string? Output,
    string? CustomStatus,
    TaskFailureDetails? Failure,
    ParentTask? Parent,
    string? TraceParent)
{
    public bool HasEnded => Ended.Contains(Status);

    /// <summary>The statuses that an instance does not leave, unless it is started again.</summary>
    public static IReadOnlyList<OrchestrationRuntimeStatus> Ended { get; } =
        [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Terminated];
}

/// <summary>The task of another execution that a sub-orchestration is.</summary>
internal sealed record ParentTask(long ExecutionId, int TaskId, string InstanceId, string Name);

/// <summary>What a new execution is made of.</summary>
internal sealed record NewExecution(
    string InstanceId,
    string Name,
    string? Input,
    DateTime CreatedAt,
    DateTime? StartAt = null,
    ParentTask? Parent = null,
    string? TraceParent = null,
    OrchestrationRuntimeStatus Status = OrchestrationRuntimeStatus.Pending);
