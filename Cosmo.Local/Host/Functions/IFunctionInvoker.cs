namespace Cosmo.Local.Host.Functions;

/// <summary>Runs a function in the worker.</summary>
internal interface IFunctionInvoker
{
    /// <summary>Completes when the function has returned.</summary>
    /// <param name="function">The function.</param>
    /// <param name="input">What its trigger hands over.</param>
    /// <param name="cancellationToken">Tells the function to stop; the call still ends with the function.</param>
    /// <exception cref="Exception">The function failed, ran out of time, or the worker died.</exception>
    Task InvokeAsync(FunctionDefinition function, TriggerInput input, CancellationToken cancellationToken);
}

/// <summary>What a trigger hands to its function.</summary>
/// <param name="Value">A text (JSON for a timer) or bytes; null for HTTP, whose request goes to the worker directly.</param>
/// <param name="Metadata">The binding data, by name.</param>
internal sealed record TriggerInput(object? Value, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The invocation's id where the trigger chose it, as HTTP must.</summary>
    public string? InvocationId { get; init; }
}
