using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tools;

/// <summary>Which words of JSON Schema <see cref="ToolArguments"/> checks, and which of them OpenAI's strict mode takes.</summary>
internal static class SchemaKeywords
{
    private static readonly HashSet<string> Numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
    private static readonly HashSet<string> Counts = ["minLength", "maxLength", "minItems", "maxItems"];
    private static readonly HashSet<string> Forms = ["anyOf", "oneOf", "allOf"];
    private static readonly HashSet<string> Definitions = ["properties", "$defs", "definitions"];
    private static readonly HashSet<string> Types = ["null", "string", "integer", "number", "boolean", "object", "array"];

    /// <summary>What tells the model something, and forbids nothing.</summary>
    private static readonly HashSet<string> Remarks = ["title", "description", "default", "examples", "format", "$schema", "$id", "$comment", "deprecated"];

    private static readonly HashSet<string> StrictKeywords =
    [
        .. Numbers, "type", "properties", "required", "additionalProperties", "enum", "const", "pattern", "items", "minItems", "maxItems", "anyOf", "$ref", "$defs",
        "title", "description",
    ];

    /// <summary>What of a schema is wrong or is not checked, each with its place within the schema, such as <c>properties.from.pattern</c>.</summary>
    public static IEnumerable<(string Place, string Fault)> FaultsOf(JsonObject schema) =>
        (ToolArguments.TypesOf(schema) is ["object"] ? [] : new[] { ("type", "must be \"object\"") }).Concat(FaultsOf(schema, "", schema));

    /// <summary>Whether OpenAI's strict mode takes the schema: every object is closed and requires all that it has.</summary>
    public static bool AreStrict(JsonObject schema) => ToolArguments.TypesOf(schema) is ["object"] && !schema.ContainsKey("anyOf") && IsStrict(schema);

    private static bool IsStrict(JsonNode? node) =>
        node is JsonObject schema
        && schema.All(member => StrictKeywords.Contains(member.Key))
        && (schema.ContainsKey("type") || schema.ContainsKey("anyOf") || schema.ContainsKey("$ref") || schema.ContainsKey("enum"))
        && (!ToolArguments.TypesOf(schema).Contains("object") || IsClosed(schema))
        && (!ToolArguments.TypesOf(schema).Contains("array") || schema.ContainsKey("items"))
        && Inner(schema).All(inner => IsStrict(inner.Schema));

    private static bool IsClosed(JsonObject schema) =>
        schema["additionalProperties"]?.GetValueKind() == JsonValueKind.False
        && schema["properties"] is JsonObject properties
        && schema["required"] is JsonArray required
        && properties.All(property => required.Any(name => name?.ToString() == property.Key));

    private static IEnumerable<(string Place, string Fault)> FaultsOf(JsonNode? node, string place, JsonObject root)
    {
        if (node is not JsonObject schema)
        {
            return [(place.TrimEnd('.'), "must be an object")];
        }

        return schema.Select(member => (Place: place + member.Key, Fault: FaultOf(member.Key, member.Value, schema, root)))
            .Where(member => member.Fault is not null)
            .Select(member => (member.Place, member.Fault!))
            .Concat(Inner(schema).SelectMany(inner => FaultsOf(inner.Schema, $"{place}{inner.Place}.", root)));
    }

    private static string? FaultOf(string name, JsonNode? value, JsonObject schema, JsonObject root) => name switch
    {
        "type" => ToolArguments.TypesOf(schema) is { Count: > 0 } types && types.All(Types.Contains) ? null : $"must be one of {string.Join(", ", Types)}, or a list of them",
        "required" => value is JsonArray required && required.All(one => one?.GetValueKind() == JsonValueKind.String && schema["properties"] is JsonObject properties && properties.ContainsKey((string)one!))
            ? null
            : "must be a list of names that stand in properties",
        "enum" => value is JsonArray { Count: > 0 } ? null : "must be a list of values",
        "pattern" => IsPattern(value) ? null : "must be a regular expression",
        "$ref" => value?.GetValueKind() == JsonValueKind.String && (string)value! is ['#', .. var pointer] && JsonPointer.TryParse(pointer, out var path) && path.In(root) is JsonObject
            ? null
            : "must lead to a place in this schema, such as #/$defs/name",
        "additionalProperties" => value is JsonObject || value?.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? null : "must be true, false or a schema",
        "items" or "const" => null,
        _ when Definitions.Contains(name) => value is JsonObject ? null : "must be an object",
        _ when Forms.Contains(name) => value is JsonArray { Count: > 0 } ? null : "must be a list of schemas",
        _ when Numbers.Contains(name) => value?.GetValueKind() == JsonValueKind.Number ? null : "must be a number",
        _ when Counts.Contains(name) => value?.GetValueKind() == JsonValueKind.Number && value.AsValue().TryGetValue(out int count) && count >= 0 ? null : "must be a whole number",
        _ => Remarks.Contains(name) ? null : "is not checked by Cosmo; leave it out",
    };

    private static IEnumerable<(string Place, JsonNode? Schema)> Inner(JsonObject schema)
    {
        foreach (var (name, value) in schema)
        {
            var inner = value switch
            {
                JsonObject members when Definitions.Contains(name) => members.Select(member => ($"{name}.{member.Key}", member.Value)),
                JsonArray forms when Forms.Contains(name) => forms.Select((form, index) => ($"{name}[{index}]", form)),
                JsonObject when name is "items" or "additionalProperties" => [(name, value)],
                not null when name is "items" => [(name, value)],
                _ => [],
            };
            foreach (var one in inner)
            {
                yield return one;
            }
        }
    }

    private static bool IsPattern(JsonNode? value)
    {
        try
        {
            return value?.GetValueKind() == JsonValueKind.String && new Regex((string)value!, RegexOptions.CultureInvariant) is not null;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
