namespace Microsoft.Azure.Functions.Worker;

/// <summary>What the trigger says about an invocation beside its value.</summary>
public abstract class BindingContext
{
    public abstract IReadOnlyDictionary<string, object?> BindingData { get; }
}
