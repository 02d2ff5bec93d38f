using Microsoft.AspNetCore.Routing.Patterns;

namespace Cosmo.Local.Host.Http;

/// <summary>What can be said of routes before any request: whether their constraints exist, and whether one request fits two of them.</summary>
internal static class RouteRules
{
    // Routing knows its constraints through its services only.
    private static readonly ServiceProvider Services = new ServiceCollection().AddLogging().AddRouting().BuildServiceProvider();
    private static readonly ParameterPolicyFactory Policies = Services.GetRequiredService<ParameterPolicyFactory>();

    /// <exception cref="Exception">A constraint does not exist, or not with its arguments.</exception>
    public static void CheckConstraints(RoutePattern pattern)
    {
        foreach (var parameter in pattern.Parameters)
        {
            foreach (var policy in parameter.ParameterPolicies)
            {
                Policies.Create(parameter, policy);
            }
        }
    }

    /// <summary>Whether there may be a path that fits both.</summary>
    public static bool Overlap(RoutePattern one, RoutePattern other) => Overlap(one.PathSegments, 0, other.PathSegments, 0);

    private static bool Overlap(IReadOnlyList<RoutePatternPathSegment> one, int from, IReadOnlyList<RoutePatternPathSegment> other, int otherFrom)
    {
        if (from == one.Count || otherFrom == other.Count)
        {
            return one.Skip(from).Concat(other.Skip(otherFrom)).All(CanBeAbsent);
        }

        return IsCatchAll(one[from]) || IsCatchAll(other[otherFrom])
            || (Overlap(one[from], other[otherFrom]) && Overlap(one, from + 1, other, otherFrom + 1));
    }

    private static bool Overlap(RoutePatternPathSegment one, RoutePatternPathSegment other) => (one.Parts[0], other.Parts[0]) switch
    {
        (RoutePatternLiteralPart a, RoutePatternLiteralPart b) when one.IsSimple && other.IsSimple => Same(a.Content, b.Content),
        (RoutePatternLiteralPart a, RoutePatternLiteralPart b) => StartsWith(a.Content, b.Content) || StartsWith(b.Content, a.Content),
        (RoutePatternParameterPart parameter, RoutePatternLiteralPart literal) when one.IsSimple && other.IsSimple => Fits(literal.Content, parameter),
        (RoutePatternLiteralPart literal, RoutePatternParameterPart parameter) when one.IsSimple && other.IsSimple => Fits(literal.Content, parameter),
        _ => true,
    };

    private static bool Fits(string value, RoutePatternParameterPart parameter) =>
        parameter.ParameterPolicies
            .Select(policy => Policies.Create(parameter, policy))
            .OfType<IRouteConstraint>()
            .All(constraint => constraint.Match(null, null, parameter.Name, new RouteValueDictionary { [parameter.Name] = value }, RouteDirection.IncomingRequest));

    private static bool CanBeAbsent(RoutePatternPathSegment segment) => segment is { IsSimple: true, Parts: [RoutePatternParameterPart { IsOptional: true } or RoutePatternParameterPart { IsCatchAll: true } or RoutePatternParameterPart { Default: not null }] };

    private static bool IsCatchAll(RoutePatternPathSegment segment) => segment.Parts is [RoutePatternParameterPart { IsCatchAll: true }];

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static bool StartsWith(string text, string start) => text.StartsWith(start, StringComparison.OrdinalIgnoreCase);
}
