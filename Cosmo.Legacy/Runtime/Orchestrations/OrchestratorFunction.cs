using Cosmo.Local.Runtime.Indexing;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Orchestrations;

/// <summary>A function that the durable engine runs as an orchestrator.</summary>
internal sealed record OrchestratorFunction(IndexedFunction Function)
{
    /// <exception cref="StartupException">The trigger is not bound to the orchestration's context.</exception>
    public static OrchestratorFunction Read(IndexedFunction function) =>
        function.TriggerParameter.ParameterType == typeof(TaskOrchestrationContext)
            ? new OrchestratorFunction(function)
            : throw new StartupException(
                $"Function '{function.Name}' binds its orchestration trigger to {function.TriggerParameter.ParameterType.Name}; bind it to TaskOrchestrationContext.");
}
