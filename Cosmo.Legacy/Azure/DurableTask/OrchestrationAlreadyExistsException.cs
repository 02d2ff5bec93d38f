namespace DurableTask.Core.Exceptions;

/// <summary>An instance with this id exists, in a status that refuses a new start.</summary>
internal sealed class OrchestrationAlreadyExistsException(string message) : Exception(message);
