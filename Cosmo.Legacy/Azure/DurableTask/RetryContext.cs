namespace Microsoft.DurableTask;

/// <summary>What a retry handler is told: who asks, how often and how the task failed, and the time since its first try.</summary>
public record RetryContext(
    TaskOrchestrationContext OrchestrationContext,
    int LastAttemptNumber,
    TaskFailureDetails LastFailure,
    TimeSpan TotalRetryTime,
    CancellationToken CancellationToken);
