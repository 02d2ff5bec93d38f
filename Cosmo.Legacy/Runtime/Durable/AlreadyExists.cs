using DurableTask.Core.Exceptions;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>The refusal of a start, the same for a client and for a parent orchestration.</summary>
internal static class AlreadyExists
{
    public static OrchestrationAlreadyExistsException Exception(string instanceId, OrchestrationRuntimeStatus status)
        => new($"An orchestration instance with the id '{instanceId}' already exists; its status is {status}.");
}
