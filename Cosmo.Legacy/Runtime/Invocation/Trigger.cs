using System.Diagnostics;

namespace Cosmo.Local.Runtime.Invocation;

/// <summary>What starts an invocation.</summary>
internal sealed record Trigger(object? Value, IReadOnlyDictionary<string, object?> BindingData)
{
    public static IReadOnlyDictionary<string, object?> NoData { get; } = new Dictionary<string, object?>();

    public HttpContext? Http { get; init; }

    /// <summary>A W3C traceparent to hang the invocation's span on; the current span where it is null.</summary>
    public string? TraceParent { get; init; }

    public ActivityKind Kind { get; init; } = ActivityKind.Internal;
}
