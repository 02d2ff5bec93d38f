using System.Text.Json;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tools.Files;

/// <summary>A text in which names of arguments stand in braces: <c>/v1/{from}/{to}</c>. All else is taken as it is.</summary>
/// <param name="Parts">In their order.</param>
internal sealed partial record Template(IReadOnlyList<TemplatePart> Parts)
{
    /// <summary>The names of its arguments.</summary>
    public IEnumerable<string> Arguments => Parts.Where(part => part.IsArgument).Select(part => part.Text);

    /// <summary>The argument that is all of it, or null.</summary>
    public string? Whole => Parts is [{ IsArgument: true, Text: var name }] ? name : null;

    /// <summary>Reads the text, in which settings stand as <c>%NAME%</c>; what a setting holds is never read as a name in braces.</summary>
    public static Template Parse(string text, Func<string, string> setting)
    {
        var parts = new List<TemplatePart>();
        var at = 0;
        foreach (Match match in Names().Matches(text))
        {
            parts.Add(new(text[at..match.Index], false));
            parts.Add(match.Groups["argument"] is { Success: true, Value: var argument } ? new(argument, true) : new(setting(match.Groups["setting"].Value), false));
            at = match.Index + match.Length;
        }

        parts.Add(new(text[at..], false));
        return new Template([.. parts.Where(part => part.Text.Length > 0)]);
    }

    /// <summary>The text with what the function gives for each argument; null where that is null.</summary>
    public string? Fill(Func<string, string?> argument)
    {
        var texts = Parts.Select(part => part.IsArgument ? argument(part.Text) : part.Text).ToList();
        return texts.Contains(null) ? null : string.Concat(texts);
    }

    /// <summary>The text of an argument; null where it is null or left out.</summary>
    public static string? TextOf(JsonElement arguments, string name) =>
        !arguments.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.GetRawText();

    [GeneratedRegex(@"\{(?<argument>[A-Za-z_][A-Za-z0-9_-]*)\}|%(?<setting>[A-Za-z][A-Za-z0-9_:]{2,})%")]
    private static partial Regex Names();
}

/// <param name="Text">As it is, or the name of an argument.</param>
/// <param name="IsArgument">Which of the two.</param>
internal sealed record TemplatePart(string Text, bool IsArgument);
