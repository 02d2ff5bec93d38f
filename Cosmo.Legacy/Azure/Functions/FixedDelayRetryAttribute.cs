namespace Microsoft.Azure.Functions.Worker;

/// <summary>Tries again after the same delay each time.</summary>
public sealed class FixedDelayRetryAttribute : RetryAttribute
{
    public FixedDelayRetryAttribute(int maxRetryCount, string delayInterval)
    {
        MaxRetryCount = maxRetryCount;
        DelayInterval = delayInterval;
    }

    /// <summary>A <see cref="TimeSpan"/> as text.</summary>
    public string DelayInterval { get; }
}
