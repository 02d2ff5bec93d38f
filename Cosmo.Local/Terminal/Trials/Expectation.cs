using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Local.Terminal.Trials;

/// <summary>What is expected of an answer. Whatever is left out is not looked at.</summary>
internal sealed record Expectation
{
    private const double DefaultLimit = 120;

    /// <summary>Tools that the model asks for, in any order, among others; an empty list: none at all.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>What is among the arguments of one call; where <see cref="Tools"/> are named, of a call of one of them.</summary>
    public JsonObject? Arguments { get; init; }

    /// <summary>What stands in the answer, in whatever case.</summary>
    public IReadOnlyList<string> Contains { get; init; } = [];

    public IReadOnlyList<string> NotContains { get; init; } = [];

    /// <summary>What fits a part of the answer; it has a time limit.</summary>
    public Regex? Matches { get; init; }

    /// <summary>How long the whole answer may take.</summary>
    public double? Seconds { get; init; }

    /// <summary>After this the answer is waited for no longer.</summary>
    public TimeSpan Limit => TimeSpan.FromSeconds(Seconds ?? DefaultLimit);

    /// <summary>What is not as expected.</summary>
    /// <param name="turn">An answer that is whole.</param>
    public IEnumerable<string> Judge(TurnOutcome turn)
    {
        var called = string.Join(", ", turn.Calls.Select(call => call.Tool).Distinct());
        if (Tools is [] && turn.Calls.Count > 0)
        {
            yield return $"tools: none was expected, but {called} was called";
        }

        foreach (var tool in (Tools ?? []).Where(tool => turn.Calls.All(call => call.Tool != tool)))
        {
            yield return $"tools: {tool} was not called{(called.Length > 0 ? $", but {called}" : "")}";
        }

        if (Arguments is not null && !turn.Calls.Any(call => Tools?.Contains(call.Tool) != false && IsPart(Arguments, call.Arguments)))
        {
            yield return $"arguments: no call has {Arguments.ToJsonString(TerminalSession.Lines)}, but {(turn.Calls.Count == 0 ? "there was none" : Describe(turn.Calls))}";
        }

        foreach (var text in Contains.Where(text => !turn.Text.Contains(text, StringComparison.OrdinalIgnoreCase)))
        {
            yield return $"contains: '{text}' is missing";
        }

        foreach (var text in NotContains.Where(text => turn.Text.Contains(text, StringComparison.OrdinalIgnoreCase)))
        {
            yield return $"not_contains: '{text}' stands there";
        }

        if (WhyNotMatched(turn.Text) is { } reason)
        {
            yield return reason;
        }

        if (turn.Seconds > Seconds)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"seconds: it took {turn.Seconds:0.0}, and {Seconds} were allowed");
        }
    }

    private static string Describe(IEnumerable<TrialCall> calls) => string.Join(
        ", ", calls.Select(call => $"{call.Tool} {call.Arguments?.ToJsonString(TerminalSession.Lines) ?? "with arguments that are not known"}"));

    /// <summary>Objects may have more fields than expected; everything else is the same.</summary>
    private static bool IsPart(JsonNode? expected, JsonNode? found) => expected is JsonObject fields
        ? found is JsonObject other && fields.All(field => other.TryGetPropertyValue(field.Key, out var value) && IsPart(field.Value, value))
        : JsonNode.DeepEquals(expected, found);

    private string? WhyNotMatched(string text)
    {
        try
        {
            return Matches?.IsMatch(text) == false ? $"matches: nothing fits {Matches}" : null;
        }
        catch (RegexMatchTimeoutException)
        {
            return $"matches: {Matches} takes too long";
        }
    }
}
