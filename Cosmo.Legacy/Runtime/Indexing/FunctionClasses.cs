namespace Cosmo.Local.Runtime.Indexing;

/// <summary>Finds out at the start whether the classes of the functions can be made, instead of at the first invocation.</summary>
internal static class FunctionClasses
{
    /// <exception cref="StartupException">One line for each class that needs what nobody registers.</exception>
    public static void Check(FunctionIndex index, IServiceProviderIsService services)
    {
        var faults = index.Functions
            .Where(function => !function.Method.IsStatic)
            .GroupBy(function => function.Method.DeclaringType!, function => function.Name)
            .Select(functions => (functions.Key, Function: functions.First(), Missing: Missing(functions.Key, services)))
            .Where(fault => fault.Missing.Count > 0)
            .Select(fault => $"Function '{fault.Function}' cannot be made: {fault.Key.Name} needs {string.Join(" and ", fault.Missing)}, which nobody registers.")
            .ToList();
        if (faults.Count > 0)
        {
            throw new StartupException(string.Join(Environment.NewLine, faults));
        }
    }

    /// <summary>What the constructor that comes nearest lacks.</summary>
    private static List<string> Missing(Type type, IServiceProviderIsService services) =>
        type.GetConstructors()
            .Select(constructor => constructor.GetParameters()
                .Where(parameter => !parameter.HasDefaultValue && !services.IsService(parameter.ParameterType))
                .Select(parameter => parameter.ParameterType.Name)
                .ToList())
            .MinBy(missing => missing.Count) ?? [];
}
