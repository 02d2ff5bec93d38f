using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tools;

/// <summary>
/// Checks what the model wrote as arguments against a tool's JSON schema. Whatever is wrong becomes a <see cref="ToolException"/> that tells the model how to
/// mend it. As OpenAI's strict mode has it, what may be null may also be left out. <see cref="SchemaKeywords"/> says which words of a schema are checked.
/// </summary>
internal static class ToolArguments
{
    private const int MaxDepth = 32;
    private const int MaxSteps = 10_000;
    private static readonly TimeSpan PatternTimeLimit = TimeSpan.FromMilliseconds(100);
    private static readonly JsonElement Null = JsonElement.Parse("null");
    private static readonly string[] SaysTypes = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];
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

    /// <summary>Throws <see cref="ToolException"/> for arguments that the schema does not allow.</summary>
    /// <param name="arguments">What <see cref="Parse"/> gave.</param>
    /// <param name="schema">The schema of an object.</param>
    /// <param name="largest">A whole number beyond it is none.</param>
    public static void Check(JsonElement arguments, JsonObject schema, long largest = long.MaxValue)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            throw new ToolException("The arguments must be one JSON object.");
        }

        try
        {
            if (new SchemaCheck(schema, largest).FaultOf(arguments, schema, "", MaxDepth) is { } fault)
            {
                throw new ToolException(fault);
            }
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode();
        }
    }

    /// <summary>What half a surrogate pair leads to, in a name or a value.</summary>
    public static ToolException NotUnicode() => new("The arguments hold text that is not valid Unicode.");

    private sealed class SchemaCheck(JsonObject root, long largest)
    {
        private int _steps;

        /// <summary>A sentence about the first thing that is wrong, or null.</summary>
        public string? FaultOf(JsonElement value, JsonNode? schema, string name, int depth)
        {
            // Forms within forms could keep it busy for ever.
            if (depth == 0 || ++_steps > MaxSteps)
            {
                return $"{Subject(name)} is nested too deeply.";
            }

            if (schema is not JsonObject rules)
            {
                return schema is JsonValue allowed && allowed.GetValueKind() == JsonValueKind.False ? $"{Subject(name)} is not allowed." : null;
            }

            if (Text(rules, "$ref") is { } reference)
            {
                return Find(reference) is { } found ? FaultOf(value, found, name, depth - 1) : null;
            }

            return FaultOfType(value, rules, name)
                ?? FaultOfChoice(value, rules, name)
                ?? value.ValueKind switch
                {
                    JsonValueKind.Object => FaultOfObject(value, rules, name, depth),
                    JsonValueKind.Array => FaultOfList(value, rules, name, depth),
                    JsonValueKind.String => FaultOfText(value.GetString()!, rules, name),
                    JsonValueKind.Number => FaultOfNumber(value, rules, name),
                    _ => null,
                }
                ?? FaultOfForms(value, rules, name, depth);
        }

        private string? FaultOfType(JsonElement value, JsonObject rules, string name)
        {
            var types = TypesOf(rules);
            if (types.Count == 0 || types.Any(type => IsOfType(value, type)))
            {
                return null;
            }

            return value.ValueKind == JsonValueKind.Null
                ? $"{Subject(name)} is required and must not be null."
                : $"{Subject(name)} must be {string.Join(" or ", types.Where(type => type != "null").Select(InWords))}.";
        }

        private bool IsOfType(JsonElement value, string type) => type switch
        {
            "null" => value.ValueKind == JsonValueKind.Null,
            "string" => value.ValueKind == JsonValueKind.String,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number <= largest && number >= -largest - 1,
            "number" => value.ValueKind == JsonValueKind.Number,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            _ => false,
        };

        private static string? FaultOfChoice(JsonElement value, JsonObject rules, string name)
        {
            JsonNode?[]? choices = rules["enum"] is JsonArray several ? [.. several] : rules.TryGetPropertyValue("const", out var one) ? [one] : null;
            return choices is null || choices.Any(choice => JsonNode.DeepEquals(choice, Node(value)))
                ? null
                : $"{Subject(name)} must be {(choices.Length > 1 ? "one of " : "")}{string.Join(", ", choices.Select(choice => choice?.ToJsonString(ToolJson.Options) ?? "null"))}.";
        }

        private string? FaultOfObject(JsonElement value, JsonObject rules, string name, int depth)
        {
            var properties = rules["properties"] as JsonObject ?? [];
            foreach (var given in value.EnumerateObject().Where(given => !properties.ContainsKey(given.Name)))
            {
                var fault = rules["additionalProperties"] is JsonValue others && others.GetValueKind() == JsonValueKind.False
                    ? Unknown(Inner(name, given.Name), properties)
                    : FaultOf(given.Value, rules["additionalProperties"], Inner(name, given.Name), depth - 1);
                if (fault is not null)
                {
                    return fault;
                }
            }

            var required = (rules["required"] as JsonArray)?.Select(required => required?.ToString()).ToHashSet() ?? [];
            foreach (var (property, its) in properties)
            {
                var mayBeNull = its is not JsonObject inner || MayBeNull(inner, depth - 1);
                var fault = value.TryGetProperty(property, out var given)
                    ? given.ValueKind == JsonValueKind.Null && !mayBeNull && !required.Contains(property)
                        ? $"{Subject(Inner(name, property))} must not be null: leave it out."
                        : FaultOf(given, its, Inner(name, property), depth - 1)
                    : !mayBeNull && required.Contains(property) ? $"{Subject(Inner(name, property))} is required." : null;
                if (fault is not null)
                {
                    return fault;
                }
            }

            return null;
        }

        private string? FaultOfList(JsonElement value, JsonObject rules, string name, int depth)
        {
            var length = value.GetArrayLength();
            if (length < Number(rules, "minItems"))
            {
                return $"{Subject(name)} must have at least {rules["minItems"]} items.";
            }

            if (length > Number(rules, "maxItems"))
            {
                return $"{Subject(name)} must have at most {rules["maxItems"]} items.";
            }

            return value.EnumerateArray().Select((item, index) => FaultOf(item, rules["items"], $"{name}[{index}]", depth - 1)).FirstOrDefault(fault => fault is not null);
        }

        private string? FaultOfText(string text, JsonObject rules, string name)
        {
            var length = text.EnumerateRunes().Count();
            if (length < Number(rules, "minLength"))
            {
                return $"{Subject(name)} must have at least {rules["minLength"]} characters.";
            }

            if (length > Number(rules, "maxLength"))
            {
                return $"{Subject(name)} must have at most {rules["maxLength"]} characters.";
            }

            return Text(rules, "pattern") is not { } pattern || IsMatch(text, pattern) ? null : $"{Subject(name)} must match {pattern}{(MayBeNull(rules) ? ", or be null" : "")}.";
        }

        private static string? FaultOfNumber(JsonElement value, JsonObject rules, string name)
        {
            var number = value.GetDouble();
            var (minimum, maximum) = (Number(rules, "minimum"), Number(rules, "maximum"));
            if (number < minimum || number > maximum)
            {
                return (minimum, maximum) switch
                {
                    (not null, not null) => $"{Subject(name)} must lie between {rules["minimum"]} and {rules["maximum"]}.",
                    (not null, _) => $"{Subject(name)} must be at least {rules["minimum"]}.",
                    _ => $"{Subject(name)} must be at most {rules["maximum"]}.",
                };
            }

            return number <= Number(rules, "exclusiveMinimum") ? $"{Subject(name)} must be more than {rules["exclusiveMinimum"]}."
                : number >= Number(rules, "exclusiveMaximum") ? $"{Subject(name)} must be less than {rules["exclusiveMaximum"]}."
                : Number(rules, "multipleOf") is > 0 and var step && Math.Abs((number / step) - Math.Round(number / step)) > 1e-9 ? $"{Subject(name)} must be a multiple of {rules["multipleOf"]}."
                : null;
        }

        private string? FaultOfForms(JsonElement value, JsonObject rules, string name, int depth)
        {
            if ((rules["allOf"] as JsonArray)?.Select(form => FaultOf(value, form, name, depth - 1)).FirstOrDefault(fault => fault is not null) is { } fault)
            {
                return fault;
            }

            var forms = rules["anyOf"] as JsonArray ?? rules["oneOf"] as JsonArray;
            string?[] faults = [.. forms?.Select(form => FaultOf(value, form, name, depth - 1)) ?? []];
            return faults.Length == 0 || faults.Contains(null) ? null : faults[0];
        }

        /// <summary>Where a reference within the schema leads; null for any other, which is not followed.</summary>
        private JsonNode? Find(string reference) =>
            reference.StartsWith('#') && Uri.UnescapeDataString(reference[1..]) is var pointer && JsonPointer.TryParse(pointer, out var path) ? path.In(root) : null;

        // $ is the end of the text: .NET would allow a line feed after it.
        private static bool IsMatch(string text, string pattern)
        {
            try
            {
                return Regex.Match(text, pattern, RegexOptions.CultureInvariant, PatternTimeLimit) is { Success: true } match
                    && (!pattern.EndsWith('$') || match.Index + match.Length == text.Length);
            }
            catch (RegexMatchTimeoutException)
            {
                return false;
            }
            catch (RegexParseException)
            {
                // A file's are looked at when it is read. An MCP server may have one of another kind, and checks by itself.
                return true;
            }
        }

        private bool MayBeNull(JsonObject rules, int depth = MaxDepth) => SaysTypes.Any(rules.ContainsKey) && FaultOf(Null, rules, "", depth) is null;

        private static double? Number(JsonObject rules, string name) =>
            rules[name] is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;

        private static string? Text(JsonObject rules, string name) => rules[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value! : null;

        private static JsonNode? Node(JsonElement value) => JsonNode.Parse(value.GetRawText());

        private static string Unknown(string name, JsonObject properties) => properties.Count == 0
            ? $"Unknown argument '{Shortened(name)}': this tool takes none."
            : $"Unknown argument '{Shortened(name)}'. The arguments are: {string.Join(", ", properties.Select(property => property.Key))}.";

        private static string Subject(string name) => name.Length == 0 ? "What the arguments hold" : $"The argument '{Shortened(name)}'";

        private static string Inner(string name, string property) => name.Length == 0 ? property : $"{name}.{property}";

        private static string InWords(string type) => type switch
        {
            "integer" => "a whole number",
            "object" => "an object",
            "array" => "a list",
            _ => $"a {type}",
        };

        private static string Shortened(string name) => name.Length <= 40 ? name : name[..40] + "…";
    }

    /// <summary>The types that a schema names; none where any will do.</summary>
    public static IReadOnlyList<string> TypesOf(JsonObject rules) => rules["type"] switch
    {
        JsonArray several => [.. several.OfType<JsonValue>().Select(type => type.ToString())],
        JsonValue type => [type.ToString()],
        _ => [],
    };
}
