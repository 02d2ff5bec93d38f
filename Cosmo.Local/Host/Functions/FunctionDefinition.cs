using System.Text.Json.Nodes;

namespace Cosmo.Local.Host.Functions;

/// <summary>A function as its worker describes it.</summary>
/// <param name="Name">What it is called by.</param>
/// <param name="Bindings">Its trigger, inputs and outputs.</param>
/// <param name="Retry">How a failed invocation is tried again; null for once only.</param>
internal sealed record FunctionDefinition(string Name, IReadOnlyList<FunctionBinding> Bindings, FunctionRetry? Retry)
{
    /// <summary>The binding that starts it. <see cref="FunctionIndex"/> lets only those in that have exactly one.</summary>
    public FunctionBinding Trigger => Bindings.Single(binding => binding.IsTrigger);
}

/// <summary>One binding of a function, such as <c>httpTrigger</c> or <c>durableClient</c>.</summary>
/// <param name="Name">The parameter's name.</param>
/// <param name="Type">What it binds to.</param>
/// <param name="Json">The whole binding as the worker gave it, with <c>%SETTING%</c> where a setting's value is meant.</param>
internal sealed record FunctionBinding(string Name, string Type, JsonObject Json)
{
    public bool IsTrigger => Type.EndsWith("Trigger", StringComparison.OrdinalIgnoreCase);

    public bool Is(string type) => Type.Equals(type, StringComparison.OrdinalIgnoreCase);

    /// <summary>A property as text, whatever the case of its name; null where there is none.</summary>
    public string? Text(string property) => Property(property)?.ToString();

    public bool Flag(string property, bool fallback) => bool.TryParse(Text(property), out var flag) ? flag : fallback;

    /// <summary>A property that is a list of texts; empty where there is none.</summary>
    public IReadOnlyList<string> List(string property) => Property(property) is JsonArray list ? [.. list.OfType<JsonNode>().Select(item => item.ToString())] : [];

    private JsonNode? Property(string name) => Json.FirstOrDefault(property => property.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>The retry attribute of a function.</summary>
/// <param name="MaxRetries">How many more tries there are; -1 for no end.</param>
/// <param name="FirstDelay">The time before the first of them; each further one waits twice as long.</param>
/// <param name="LongestDelay">No time between two tries is longer; the same as <paramref name="FirstDelay"/> for a fixed one.</param>
internal sealed record FunctionRetry(int MaxRetries, TimeSpan FirstDelay, TimeSpan LongestDelay)
{
    /// <summary>The delay after the given number of tries (1 and up), or null when there are to be no more.</summary>
    public TimeSpan? DelayAfter(int tries) =>
        MaxRetries >= 0 && tries > MaxRetries ? null : TimeSpan.FromTicks((long)Math.Min(LongestDelay.Ticks, FirstDelay.Ticks * Math.Pow(2, tries - 1)));
}
