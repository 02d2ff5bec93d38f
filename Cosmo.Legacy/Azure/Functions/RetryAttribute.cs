namespace Microsoft.Azure.Functions.Worker;

/// <summary>How often an invocation that failed is tried again.</summary>
[AttributeUsage(AttributeTargets.Method)]
public abstract class RetryAttribute : Attribute
{
    public RetryAttribute()
    {
    }

    /// <summary>Tries after the first one; -1 is without end.</summary>
    public int MaxRetryCount { get; set; }
}
