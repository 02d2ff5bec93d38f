using Cosmo.Local.Runtime.Durable;
using Microsoft.DurableTask;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>Orchestrators and activities that a test writes in place.</summary>
internal sealed class TestFunctions : IDurableFunctions
{
    private readonly Dictionary<string, Func<TaskOrchestrationContext, Task<object?>>> _orchestrators = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Func<Func<Type, object?>, CancellationToken, Task<object?>>> _activities = new(StringComparer.OrdinalIgnoreCase);

    public TestFunctions Orchestrator<T>(string name, Func<TaskOrchestrationContext, Task<T>> run)
    {
        _orchestrators[name] = async context => await run(context);
        return this;
    }

    public TestFunctions Activity<TIn, TOut>(string name, Func<TIn, CancellationToken, Task<TOut>> run)
    {
        _activities[name] = async (input, cancellation) => await run((TIn)input(typeof(TIn))!, cancellation);
        return this;
    }

    public TestFunctions Activity<TIn, TOut>(string name, Func<TIn, TOut> run)
        => Activity<TIn, TOut>(name, (input, _) => Task.FromResult(run(input)));

    public bool HasOrchestrator(string name) => _orchestrators.ContainsKey(name);

    public bool HasActivity(string name) => _activities.ContainsKey(name);

    public Task<object?> RunOrchestratorAsync(string name, TaskOrchestrationContext context) => _orchestrators[name](context);

    public Task<object?> RunActivityAsync(string name, string instanceId, Func<Type, object?> readInput, CancellationToken cancellation)
        => _activities[name](readInput, cancellation);
}
