using Cosmo.Local.Runtime.Indexing;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Http;

/// <summary>A function that an HTTP request starts, by one of the methods (in capitals) or by any if there are none.</summary>
internal sealed record HttpFunction(IndexedFunction Function, string Route, string[]? Methods, AuthorizationLevel Level)
{
    private static readonly string[] Reserved = ["admin", "runtime"];

    /// <exception cref="StartupException">The route or a type is not what the worker takes.</exception>
    public static HttpFunction Read(IndexedFunction function, HttpTriggerAttribute trigger)
    {
        if (function.TriggerParameter.ParameterType != typeof(HttpRequest))
        {
            throw new StartupException(
                $"Function '{function.Name}' binds its HTTP trigger to {function.TriggerParameter.ParameterType.Name}; bind it to HttpRequest of ASP.NET Core.");
        }

        var result = function.ResultType;
        if (result != typeof(void) && !result.IsAssignableTo(typeof(IActionResult)) && !result.IsAssignableTo(typeof(IResult)))
        {
            throw new StartupException($"Function '{function.Name}' returns {result.Name}; an HTTP function returns IActionResult, IResult or nothing.");
        }

        var route = trigger.Route ?? function.Name;
        try
        {
            RoutePatternFactory.Parse(route);
        }
        catch (RoutePatternException error)
        {
            throw new StartupException($"Function '{function.Name}' has the route '{route}', which is not valid: {error.Message}", error);
        }

        if (Reserved.Contains(route.Split('/')[0], StringComparer.OrdinalIgnoreCase))
        {
            throw new StartupException($"Function '{function.Name}' has the route '{route}', but 'admin' and 'runtime' belong to the host.");
        }

        return new HttpFunction(function, route, trigger.Methods?.Select(method => method.ToUpperInvariant()).ToArray(), trigger.AuthLevel);
    }

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
        where Overlap(RoutePatternFactory.Parse(one.Route).PathSegments, RoutePatternFactory.Parse(other.Route).PathSegments)
        select $"Functions '{one.Function.Name}' and '{other.Function.Name}' share a method, and one request can mean both '{one.Route}' and '{other.Route}'; change one.";

    public static string Combine(string prefix, string route) => prefix.Length == 0 ? route.TrimStart('/') : $"{prefix}/{route.TrimStart('/')}";

    private static bool Overlap(IReadOnlyList<RoutePatternPathSegment> one, IReadOnlyList<RoutePatternPathSegment> other) =>
        one.Count == other.Count && one.Zip(other).All(segments => Overlap(segments.First, segments.Second));

    private static bool Overlap(RoutePatternPathSegment one, RoutePatternPathSegment other) => (one.Parts[0], other.Parts[0]) switch
    {
        (RoutePatternLiteralPart a, RoutePatternLiteralPart b) => string.Equals(a.Content, b.Content, StringComparison.OrdinalIgnoreCase),
        (RoutePatternParameterPart { ParameterPolicies.Count: > 0 }, RoutePatternLiteralPart) => false,
        (RoutePatternLiteralPart, RoutePatternParameterPart { ParameterPolicies.Count: > 0 }) => false,
        _ => true,
    };
}
