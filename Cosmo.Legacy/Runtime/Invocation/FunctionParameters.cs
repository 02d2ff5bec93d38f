using System.Collections.Frozen;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Invocation;

/// <summary>Fills the parameters of a function: the trigger's value, what the host provides, and binding data by name.</summary>
internal static class FunctionParameters
{
    private static readonly FrozenSet<Type> Simple = new[]
    {
        typeof(string), typeof(bool), typeof(int), typeof(long), typeof(double), typeof(decimal), typeof(Guid), typeof(DateTime), typeof(DateTimeOffset),
    }.ToFrozenSet();

    /// <exception cref="StartupException">A parameter can never be filled.</exception>
    public static void Check(IndexedFunction function)
    {
        foreach (var parameter in function.Method.GetParameters().Where(parameter => parameter.Position != function.TriggerParameter.Position))
        {
            var type = parameter.ParameterType;
            var isKnown = parameter.GetCustomAttribute<BindingAttribute>() switch
            {
                DurableClientAttribute => type == typeof(DurableTaskClient),
                null => type == typeof(FunctionContext) || type == typeof(CancellationToken) || IsSimple(type) || function.Trigger is OrchestrationTriggerAttribute,
                _ => false,
            };
            if (!isKnown)
            {
                throw new StartupException(
                    $"Function '{function.Name}' has a parameter '{parameter.Name}' of type {type.Name} that cannot be bound; " +
                    "take FunctionContext, CancellationToken, [DurableClient] DurableTaskClient or a simple value of the binding data.");
            }
        }
    }

    /// <exception cref="InvalidOperationException">The binding data lack a value or have one that does not fit.</exception>
    public static object?[] Fill(IndexedFunction function, Invocation invocation) =>
        [.. function.Method.GetParameters().Select(parameter => parameter.Position == function.TriggerParameter.Position ? invocation.TriggerValue : Other(function, parameter, invocation))];

    private static object? Other(IndexedFunction function, ParameterInfo parameter, Invocation invocation)
    {
        var type = parameter.ParameterType;
        if (type == typeof(FunctionContext))
        {
            return invocation.Context;
        }

        if (type == typeof(CancellationToken))
        {
            return invocation.Context.CancellationToken;
        }

        if (type == typeof(DurableTaskClient))
        {
            return invocation.Context.InstanceServices.GetRequiredService<DurableTaskClient>();
        }

        return function.Trigger is OrchestrationTriggerAttribute ? invocation.OrchestrationInput!(type) : FromBindingData(function, parameter, invocation);
    }

    private static object? FromBindingData(IndexedFunction function, ParameterInfo parameter, Invocation invocation)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (!invocation.Context.BindingContext.BindingData.TryGetValue(parameter.Name!, out var value) || value is null)
        {
            return parameter.HasDefaultValue ? parameter.DefaultValue
                : type.IsValueType && type == parameter.ParameterType ? throw CannotBind(function, parameter, null)
                : null;
        }

        try
        {
            return type == typeof(string) ? value.ToString() : TypeDescriptor.GetConverter(type).ConvertFrom(null, CultureInfo.InvariantCulture, value);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or NotSupportedException)
        {
            throw CannotBind(function, parameter, error);
        }
    }

    private static InvalidOperationException CannotBind(IndexedFunction function, ParameterInfo parameter, Exception? error) =>
        new($"Parameter '{parameter.Name}' of function '{function.Name}' cannot be bound to {parameter.ParameterType.Name}.", error);

    private static bool IsSimple(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain && (Simple.Contains(plain) || plain.IsEnum);
}
