using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tools;

/// <summary>Reads what the model wrote as arguments. Whatever is wrong becomes a <see cref="ToolException"/> that tells the model how to mend it.</summary>
internal static class ToolArguments
{
    private static readonly TimeSpan PatternTimeLimit = TimeSpan.FromMilliseconds(100);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Parses the text; no text at all stands for no arguments.</summary>
    public static JsonElement Parse(string text)
    {
        try
        {
            return JsonElement.Parse(string.IsNullOrWhiteSpace(text) ? "{}" : text, Strict);
        }
        catch (JsonException)
        {
            throw new ToolException("The arguments are not valid JSON. Call the tool again with one JSON object.");
        }
    }

    /// <summary>Reads the arguments by a schema that <see cref="ToolSchema"/> made of the same record.</summary>
    public static TArguments Read<TArguments>(JsonElement arguments, JsonNode schema)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            throw new ToolException("The arguments must be one JSON object.");
        }

        try
        {
            CheckAll(arguments, schema["properties"]!.AsObject());
            return arguments.Deserialize<TArguments>(ToolJson.Options)!;
        }
        catch (Exception exception) when (exception is InvalidOperationException or JsonException)
        {
            // That is what half a surrogate pair leads to, in a name or a value.
            throw new ToolException("The arguments hold text that is not valid Unicode.");
        }
    }

    private static void CheckAll(JsonElement arguments, JsonObject properties)
    {
        foreach (var given in arguments.EnumerateObject().Where(given => !properties.ContainsKey(given.Name)))
        {
            throw new ToolException(properties.Count == 0
                ? $"Unknown argument '{Shortened(given.Name)}': this tool takes none."
                : $"Unknown argument '{Shortened(given.Name)}'. The arguments are: {string.Join(", ", properties.Select(property => property.Key))}.");
        }

        foreach (var (name, property) in properties)
        {
            Check(name, property!, arguments.TryGetProperty(name, out var value) ? value : null);
        }
    }

    private static void Check(string name, JsonNode schema, JsonElement? given)
    {
        string[] types = schema["type"] is JsonArray several ? [.. several.Select(type => (string)type!)] : [(string)schema["type"]!];
        if (given is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            if (!types.Contains("null"))
            {
                throw new ToolException($"The argument '{name}' is required{(given is null ? "" : " and must not be null")}.");
            }

            return;
        }

        var type = types.First(type => type != "null");
        if (!IsOfType(value, type))
        {
            throw new ToolException($"The argument '{name}' must be {(type == "integer" ? "a whole number" : $"a {type}")}.");
        }

        if ((string?)schema["pattern"] is { } pattern && !IsMatch(value.GetString()!, pattern))
        {
            throw new ToolException($"The argument '{name}' must match {pattern}{(types.Contains("null") ? ", or be null" : "")}.");
        }

        if (schema["minimum"] is { } minimum && (value.GetDouble() < (double)minimum || value.GetDouble() > (double)schema["maximum"]!))
        {
            throw new ToolException(string.Create(
                CultureInfo.InvariantCulture, $"The argument '{name}' must lie between {minimum} and {schema["maximum"]}."));
        }
    }

    // The whole text must match: $ would allow a line feed after it.
    private static bool IsMatch(string text, string pattern) =>
        Regex.Match(text, pattern, RegexOptions.None, PatternTimeLimit) is { Success: true } match && match.Length == text.Length;

    private static bool IsOfType(JsonElement value, string type) => type switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out _),
        "number" => value.ValueKind == JsonValueKind.Number,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        _ => throw new NotSupportedException($"Arguments of type {type} are not supported."),
    };

    private static string Shortened(string name) => name.Length <= 40 ? name : name[..40] + "…";
}
