namespace Microsoft.Azure.Functions.Worker;

/// <summary>What is fixed about a function.</summary>
public abstract class FunctionDefinition
{
    /// <summary>The class and the method, with their namespace.</summary>
    public abstract string EntryPoint { get; }

    public abstract string Id { get; }

    public abstract string Name { get; }
}
