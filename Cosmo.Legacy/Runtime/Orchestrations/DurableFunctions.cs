using System.Reflection;
using Cosmo.Local.Runtime.Durable;
using Cosmo.Local.Runtime.Indexing;
using Cosmo.Local.Runtime.Invocation;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Orchestrations;

/// <summary>Lets the durable engine run the orchestrators and activities of the index.</summary>
internal sealed class DurableFunctions(FunctionIndex index, FunctionInvoker invoker) : IDurableFunctions
{
    private static readonly MethodInfo GetInput = typeof(TaskOrchestrationContext).GetMethod(nameof(TaskOrchestrationContext.GetInput))!;

    public bool HasOrchestrator(string name) => index.Orchestrators.ContainsKey(name);

    public bool HasActivity(string name) => index.Activities.ContainsKey(name);

    public Task<object?> RunOrchestratorAsync(string name, TaskOrchestrationContext context) =>
        invoker.InvokeOrchestratorAsync(
            index.Orchestrators[name].Function,
            context,
            type => GetInput.MakeGenericMethod(type).Invoke(context, BindingFlags.DoNotWrapExceptions, null, null, null));

    public Task<object?> RunActivityAsync(string name, string instanceId, Func<Type, object?> readInput, CancellationToken cancellation)
    {
        var function = index.Activities[name].Function;
        var data = new Dictionary<string, object?> { ["instanceId"] = instanceId };
        return invoker.InvokeAsync(function, new Trigger(readInput(function.TriggerParameter.ParameterType), data), cancellation);
    }
}
