namespace DurableTask.Core.Exceptions;

/// <summary>In a replay, an orchestrator did something else than its history says.</summary>
internal sealed class NonDeterministicOrchestrationException(string message) : Exception(message);
