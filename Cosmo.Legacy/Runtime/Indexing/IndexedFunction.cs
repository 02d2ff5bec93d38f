using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Cosmo.Local.Runtime.Indexing;

/// <summary>A method with <see cref="FunctionAttribute"/> and exactly one trigger.</summary>
internal sealed class IndexedFunction
{
    private IndexedFunction(string name, MethodInfo method, ParameterInfo triggerParameter, TriggerBindingAttribute trigger)
    {
        Name = name;
        Method = method;
        TriggerParameter = triggerParameter;
        Trigger = trigger;
        Retry = method.GetCustomAttribute<RetryAttribute>();
        ResultType = Unwrapped(method.ReturnType);
    }

    public string Name { get; }

    public MethodInfo Method { get; }

    public ParameterInfo TriggerParameter { get; }

    public TriggerBindingAttribute Trigger { get; }

    public RetryAttribute? Retry { get; }

    /// <summary>What the method returns once awaited; <c>void</c> where that is nothing.</summary>
    public Type ResultType { get; }

    public string EntryPoint => $"{Method.DeclaringType!.FullName}.{Method.Name}";

    /// <exception cref="StartupException">The method cannot be a function.</exception>
    public static IndexedFunction Read(MethodInfo method)
    {
        var name = method.GetCustomAttribute<FunctionAttribute>()!.Name;
        if (!FunctionNames.IsValid(name))
        {
            throw new StartupException($"The function name '{name}' is not valid; it must begin with a letter and hold at most 128 letters, digits, '_' and '-'.");
        }

        if (!method.IsPublic)
        {
            throw new StartupException($"Function '{name}' is not public; make the method {method.Name} public.");
        }

        if (method.IsGenericMethodDefinition || method.DeclaringType!.ContainsGenericParameters)
        {
            throw new StartupException($"Function '{name}' is generic; a function must be a plain method of a plain class.");
        }

        var triggers = method.GetParameters()
            .Select(parameter => (parameter, trigger: parameter.GetCustomAttribute<TriggerBindingAttribute>()))
            .Where(pair => pair.trigger is not null)
            .ToList();
        return triggers switch
        {
            [var (parameter, trigger)] => new IndexedFunction(name, method, parameter, trigger!),
            [] => throw new StartupException($"Function '{name}' has no trigger; give one of its parameters a trigger attribute."),
            _ => throw new StartupException($"Function '{name}' has {triggers.Count} triggers; a function has exactly one."),
        };
    }

    private static Type Unwrapped(Type returned)
    {
        if (returned == typeof(Task) || returned == typeof(ValueTask))
        {
            return typeof(void);
        }

        var isTask = returned.IsGenericType && returned.GetGenericTypeDefinition() is var open && (open == typeof(Task<>) || open == typeof(ValueTask<>));
        return isTask ? returned.GetGenericArguments()[0] : returned;
    }
}
