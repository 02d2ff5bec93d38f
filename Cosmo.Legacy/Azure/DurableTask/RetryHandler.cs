namespace Microsoft.DurableTask;

/// <summary>Says whether a task that failed is tried again. It is replayed, so it must be deterministic.</summary>
public delegate bool RetryHandler(RetryContext retryContext);

/// <inheritdoc cref="RetryHandler"/>
public delegate Task<bool> AsyncRetryHandler(RetryContext retryContext);
