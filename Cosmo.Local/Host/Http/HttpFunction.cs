using Cosmo.Local.Host.Functions;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Cosmo.Local.Host.Http;

/// <summary>A function that an HTTP request starts, by one of the methods (in capitals) or by any if there are none.</summary>
internal sealed record HttpFunction(FunctionDefinition Function, string Route, string[]? Methods, AccessLevel Level)
{
    private static readonly string[] Reserved = ["admin", "runtime"];

    /// <exception cref="StartupException">The route or the level is not what the host takes.</exception>
    public static HttpFunction Read(FunctionDefinition function)
    {
        var written = function.Trigger.Text("route");
        var route = string.IsNullOrWhiteSpace(written) ? function.Name : written.Trim('/');
        try
        {
            RouteRules.CheckConstraints(RoutePatternFactory.Parse(route));
        }
        catch (RoutePatternException error)
        {
            throw new StartupException($"Function '{function.Name}' has the route '{route}', which is not valid: {error.Message}", error);
        }
        catch (Exception error) when (error is not StartupException)
        {
            throw new StartupException($"Function '{function.Name}' has the route '{route}' with a constraint that does not exist: {error.Message}", error);
        }

        if (Reserved.Any(word => route.StartsWith(word, StringComparison.OrdinalIgnoreCase)))
        {
            throw new StartupException($"Function '{function.Name}' has the route '{route}', but what begins with 'admin' or 'runtime' belongs to the host.");
        }

        var methods = function.Trigger.List("methods").Select(method => method.ToUpperInvariant()).ToArray();
        return new HttpFunction(function, route, methods.Length == 0 ? null : methods, ReadLevel(function));
    }

    /// <summary>The path of its requests, without a slash in front.</summary>
    public string Path(string routePrefix) => routePrefix.Length == 0 ? Route : $"{routePrefix}/{Route}";

    public bool Takes(string method) => Methods is null || Methods.Contains(method, StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// A sentence for each two functions that one request could mean. The host would not take the route that fits better but the function whose name comes
    /// first.
    /// </summary>
    public static IEnumerable<string> Clashes(IReadOnlyList<HttpFunction> functions) =>
        from first in Enumerable.Range(0, functions.Count)
        from second in Enumerable.Range(first + 1, functions.Count - first - 1)
        let one = functions[first]
        let other = functions[second]
        where one.Methods is null || other.Methods is null || one.Methods.Intersect(other.Methods).Any()
        where RouteRules.Overlap(RoutePatternFactory.Parse(one.Route), RoutePatternFactory.Parse(other.Route))
        select $"Functions '{one.Function.Name}' and '{other.Function.Name}' share a method, and one request can mean both '{one.Route}' and '{other.Route}'; change one.";

    private static AccessLevel ReadLevel(FunctionDefinition function)
    {
        var text = function.Trigger.Text("authLevel") ?? nameof(AccessLevel.Function);
        return Enum.TryParse<AccessLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level)
            ? level
            : throw new StartupException($"Function '{function.Name}' has the authorization level '{text}'; set it to {string.Join(", ", Enum.GetNames<AccessLevel>())}.");
    }
}
