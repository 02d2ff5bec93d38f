using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>What the service demands of a function's parameters; in strict mode that every object is closed and requires all its properties.</summary>
internal static class FunctionSchema
{
    public static void Check(string function, JsonObject schema, bool strict, string param)
    {
        if (schema["type"]?.ToString() != "object")
        {
            throw Invalid(function, $"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema["type"]?.ToString() ?? "None"}\"'.", param);
        }

        if (strict)
        {
            CheckStrict(function, schema, "()", param);
        }
    }

    private static void CheckStrict(string function, JsonObject schema, string context, string param)
    {
        if (schema["properties"] is JsonObject properties)
        {
            CheckRequired(function, schema, properties, context, param);
            foreach (var (name, property) in properties)
            {
                if (property is JsonObject inner)
                {
                    CheckStrict(function, inner, $"('properties', '{name}')", param);
                }
            }
        }

        if (IsObject(schema) && !(schema["additionalProperties"]?.GetValueKind() == JsonValueKind.False))
        {
            throw Invalid(function, $"In context={context}, 'additionalProperties' is required to be supplied and to be false.", param);
        }

        if (schema["items"] is JsonObject items)
        {
            CheckStrict(function, items, "('items')", param);
        }
    }

    private static void CheckRequired(string function, JsonObject schema, JsonObject properties, string context, string param)
    {
        var required = (schema["required"] as JsonArray)?.Select(name => name?.ToString()).ToHashSet() ?? [];
        if (properties.Select(property => property.Key).FirstOrDefault(name => !required.Contains(name)) is { } missing)
        {
            throw Invalid(
                function,
                $"In context={context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'.",
                param);
        }
    }

    private static bool IsObject(JsonObject schema) => schema["type"] switch
    {
        JsonArray types => types.Any(type => type?.ToString() == "object"),
        var type => type?.ToString() == "object",
    };

    private static ApiException Invalid(string function, string reason, string param) =>
        new(400, $"Invalid schema for function '{function}': {reason}", param, "invalid_function_parameters");
}
