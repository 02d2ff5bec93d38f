using System.Reflection;
using Cosmo.Local.Runtime.Http;
using Cosmo.Local.Runtime.Invocation;
using Cosmo.Local.Runtime.Orchestrations;
using Cosmo.Local.Runtime.Queues;
using Cosmo.Local.Runtime.Timers;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Indexing;

/// <summary>Every function of the app, by trigger. Reading it finds the faults that the worker's build and the host's start would find.</summary>
internal sealed class FunctionIndex
{
    private const BindingFlags AnyMethod = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public List<HttpFunction> Http { get; } = [];

    public List<QueueFunction> Queues { get; } = [];

    public List<TimerFunction> Timers { get; } = [];

    public Dictionary<string, OrchestratorFunction> Orchestrators { get; } = new(StringComparer.OrdinalIgnoreCase);

    public Dictionary<string, ActivityFunction> Activities { get; } = new(StringComparer.OrdinalIgnoreCase);

    public IEnumerable<IndexedFunction> Functions =>
    [
        .. Http.Select(function => function.Function),
        .. Queues.Select(function => function.Function),
        .. Timers.Select(function => function.Function),
        .. Orchestrators.Values.Select(function => function.Function),
        .. Activities.Values.Select(function => function.Function),
    ];

    /// <summary>One line a function: its name and how it is started.</summary>
    public IEnumerable<string> Lines(string routePrefix) =>
    [
        .. Http.Select(function => $"{function.Function.Name}: [{string.Join(',', function.Methods ?? ["ANY"])}] /{HttpFunction.Combine(routePrefix, function.Route)}"),
        .. Queues.Select(function => $"{function.Function.Name}: rabbitMQTrigger {function.Queue}"),
        .. Timers.Select(function => $"{function.Function.Name}: timerTrigger {function.Schedule}"),
        .. Orchestrators.Values.Select(function => $"{function.Function.Name}: orchestrationTrigger"),
        .. Activities.Values.Select(function => $"{function.Function.Name}: activityTrigger"),
    ];

    /// <exception cref="StartupException">One line for each fault of any function.</exception>
    public static FunctionIndex Read(IEnumerable<Type> types, IConfiguration settings)
    {
        var index = new FunctionIndex();
        var faults = new List<string>();
        var names = new Dictionary<string, IndexedFunction>(StringComparer.OrdinalIgnoreCase);
        foreach (var method in types.SelectMany(type => type.GetMethods(AnyMethod)).Where(method => method.IsDefined(typeof(FunctionAttribute))))
        {
            try
            {
                var function = IndexedFunction.Read(method);
                if (!names.TryAdd(function.Name, function))
                {
                    throw new StartupException($"Function '{function.Name}' is there twice, as {names[function.Name].EntryPoint} and {function.EntryPoint}; rename one.");
                }

                index.Add(function, settings);
                FunctionParameters.Check(function);
            }
            catch (StartupException fault)
            {
                faults.Add(fault.Message);
            }
        }

        faults.AddRange(HttpFunction.Clashes(index.Http));
        return faults.Count == 0 ? index : throw new StartupException(string.Join(Environment.NewLine, faults));
    }

    private void Add(IndexedFunction function, IConfiguration settings)
    {
        if (function.Retry is not null && function.Trigger is not TimerTriggerAttribute)
        {
            throw new StartupException(
                $"Function '{function.Name}' has {function.Retry.GetType().Name}, which its trigger does not allow; take it away or use it on a timer.");
        }

        switch (function.Trigger)
        {
            case HttpTriggerAttribute trigger:
                Http.Add(HttpFunction.Read(function, trigger));
                break;
            case RabbitMQTriggerAttribute trigger:
                Queues.Add(QueueFunction.Read(function, trigger, settings));
                break;
            case TimerTriggerAttribute trigger:
                Timers.Add(TimerFunction.Read(function, trigger, settings));
                break;
            case OrchestrationTriggerAttribute trigger:
                Orchestrators.Add(trigger.Orchestration ?? function.Name, OrchestratorFunction.Read(function));
                break;
            case ActivityTriggerAttribute trigger:
                Activities.Add(trigger.Activity ?? function.Name, new ActivityFunction(function));
                break;
            default:
                throw new StartupException($"Function '{function.Name}' has {function.Trigger.GetType().Name}, which the local edition does not know.");
        }
    }
}
