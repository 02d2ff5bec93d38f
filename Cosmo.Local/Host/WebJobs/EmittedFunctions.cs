using System.Collections.ObjectModel;
using System.Reflection;
using System.Reflection.Emit;
using Cosmo.Local.Host.Functions;
using Microsoft.Azure.WebJobs;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Binder = Microsoft.Azure.WebJobs.Binder;
using ExecutionContext = Microsoft.Azure.WebJobs.ExecutionContext;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>
/// Where a function's method leads: its name, what its trigger hands over, and what the WebJobs SDK knows of the invocation.
/// </summary>
/// <returns>What the function returns.</returns>
internal delegate Task<object?> FunctionCall(string function, object? value, Binder binder, ExecutionContext invocation, CancellationToken cancellationToken);

/// <summary>
/// The functions as the WebJobs SDK wants them: static methods with attributes, one for each function, on a type that is made here. Each
/// hands over to the host.
/// </summary>
internal sealed class EmittedFunctions : ITypeLocator
{
    private const string TargetField = "Target";

    // Public types only: the new assembly does not see into this one.
    private static readonly Type TargetType = typeof(Func<string, object?, Binder, ExecutionContext, CancellationToken, Task<object?>>);

    private readonly Type _type;

    /// <param name="functions">The functions.</param>
    /// <param name="timeout">How long an invocation may take; zero or less for without end.</param>
    /// <param name="target">What every method calls.</param>
    public EmittedFunctions(IEnumerable<FunctionDefinition> functions, TimeSpan timeout, FunctionCall target)
    {
        var type = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Functions"), AssemblyBuilderAccess.RunAndCollect).DefineDynamicModule("Functions")
            .DefineType("Functions", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        if (timeout > TimeSpan.Zero)
        {
            type.SetCustomAttribute(Attribute<TimeoutAttribute>(
                [timeout.ToString()], (nameof(TimeoutAttribute.ThrowOnTimeout), true), (nameof(TimeoutAttribute.TimeoutWhileDebugging), true)));
        }

        var field = type.DefineField(TargetField, TargetType, FieldAttributes.Public | FieldAttributes.Static);
        foreach (var function in functions)
        {
            Define(type, field, function);
        }

        _type = type.CreateType();
        _type.GetField(TargetField)!.SetValue(null, new Func<string, object?, Binder, ExecutionContext, CancellationToken, Task<object?>>(target));
    }

    public IReadOnlyList<Type> GetTypes() => new ReadOnlyCollection<Type>([_type]);

    private static void Define(TypeBuilder type, FieldInfo field, FunctionDefinition function)
    {
        var (trigger, value) = TriggerOf(function);
        var method = type.DefineMethod(function.Name, MethodAttributes.Public | MethodAttributes.Static);
        method.SetReturnType(trigger is null ? typeof(Task) : typeof(Task<object>));
        method.SetParameters(value, typeof(Binder), typeof(ExecutionContext), typeof(CancellationToken));
        method.SetCustomAttribute(Attribute<FunctionNameAttribute>([function.Name]));
        if (trigger is null)
        {
            method.SetCustomAttribute(Attribute<NoAutomaticTriggerAttribute>([]));
        }

        // The binding data are called after the trigger's parameter. Names with an underscore are no binding data.
        var parameter = method.DefineParameter(1, ParameterAttributes.None, function.Trigger.Name);
        if (trigger is not null)
        {
            parameter.SetCustomAttribute(trigger);
        }

        method.DefineParameter(2, ParameterAttributes.None, "_binder");
        method.DefineParameter(3, ParameterAttributes.None, "_invocation");
        method.DefineParameter(4, ParameterAttributes.None, "_cancellationToken");

        var code = method.GetILGenerator();
        code.Emit(OpCodes.Ldsfld, field);
        code.Emit(OpCodes.Ldstr, function.Name);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Ldarg_2);
        code.Emit(OpCodes.Ldarg_3);
        code.Emit(OpCodes.Callvirt, TargetType.GetMethod("Invoke")!);
        code.Emit(OpCodes.Ret);
    }

    /// <returns>The attribute of a Durable trigger, null for a function that a listener of the host starts; and what the trigger hands over.</returns>
    private static (CustomAttributeBuilder? Attribute, Type Value) TriggerOf(FunctionDefinition function)
    {
        var json = function.Trigger.Json;
        return function.Trigger.Type.ToLowerInvariant() switch
        {
            "orchestrationtrigger" => (Attribute<OrchestrationTriggerAttribute>([], (nameof(OrchestrationTriggerAttribute.Orchestration), Text("orchestration"))), typeof(string)),
            "entitytrigger" => (Attribute<EntityTriggerAttribute>([], (nameof(EntityTriggerAttribute.EntityName), Text("entityName"))), typeof(string)),
            "activitytrigger" => (Attribute<ActivityTriggerAttribute>([], (nameof(ActivityTriggerAttribute.Activity), Text("activity"))),
                string.Equals(Text("dataType"), "Binary", StringComparison.OrdinalIgnoreCase) ? typeof(byte[]) : typeof(string)),
            _ => (null, typeof(object)),
        };

        string? Text(string name) => json[name]?.ToString();
    }

    private static CustomAttributeBuilder Attribute<T>(object[] arguments, params (string Name, object? Value)[] properties)
    {
        var set = properties.Where(property => property.Value is not null).ToArray();
        return new CustomAttributeBuilder(
            typeof(T).GetConstructor([.. arguments.Select(argument => argument.GetType())])!, arguments,
            [.. set.Select(property => typeof(T).GetProperty(property.Name)!)], [.. set.Select(property => property.Value)]);
    }
}
