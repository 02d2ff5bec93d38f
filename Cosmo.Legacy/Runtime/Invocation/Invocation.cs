namespace Cosmo.Local.Runtime.Invocation;

/// <summary>The values from which the parameters of one invocation are filled. Only an orchestrator has an input beside its trigger.</summary>
internal sealed record Invocation(LocalFunctionContext Context, object? TriggerValue, Func<Type, object?>? OrchestrationInput);
