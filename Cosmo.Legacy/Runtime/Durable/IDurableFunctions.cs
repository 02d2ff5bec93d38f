using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>The orchestrators and activities that the engine can run, by name without regard to case.</summary>
internal interface IDurableFunctions
{
    bool HasOrchestrator(string name);

    bool HasActivity(string name);

    /// <summary>
    /// Runs an orchestrator, from its beginning in every replay. What this method does around the function has to be as deterministic as the
    /// function: it must not leave the current <see cref="SynchronizationContext"/> (no <c>ConfigureAwait(false)</c>, no <c>Task.Run</c>).
    /// </summary>
    /// <returns>What the function returned; null if it returns nothing.</returns>
    Task<object?> RunOrchestratorAsync(string name, TaskOrchestrationContext context);

    /// <summary>Runs an activity, at least once for each time that it was scheduled.</summary>
    /// <param name="name">The activity.</param>
    /// <param name="instanceId">The instance that scheduled it.</param>
    /// <param name="readInput">Reads the input as a type; null if there is none.</param>
    /// <param name="cancellation">Cancelled when the engine stops and does not wait any longer. The activity then runs again at the next start.</param>
    /// <returns>What the function returned; null if it returns nothing.</returns>
    Task<object?> RunActivityAsync(string name, string instanceId, Func<Type, object?> readInput, CancellationToken cancellation);
}
