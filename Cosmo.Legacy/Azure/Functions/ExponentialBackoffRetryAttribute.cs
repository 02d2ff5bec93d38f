namespace Microsoft.Azure.Functions.Worker;

/// <summary>Tries again after a delay that grows from the minimum to the maximum.</summary>
public sealed class ExponentialBackoffRetryAttribute : RetryAttribute
{
    public ExponentialBackoffRetryAttribute(int maxRetryCount, string minimumInterval, string maximumInterval)
    {
        MaxRetryCount = maxRetryCount;
        MinimumInterval = minimumInterval;
        MaximumInterval = maximumInterval;
    }

    /// <summary>A <see cref="TimeSpan"/> as text.</summary>
    public string MinimumInterval { get; }

    /// <summary>A <see cref="TimeSpan"/> as text.</summary>
    public string MaximumInterval { get; }
}
