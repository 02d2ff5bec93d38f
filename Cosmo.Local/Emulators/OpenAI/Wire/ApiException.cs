using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>A request is refused, with the service's status and error body.</summary>
internal sealed class ApiException(int status, string message, string? param = null, string? code = null, string type = "invalid_request_error")
    : Exception(message)
{
    public int Status { get; } = status;

    public JsonObject Body { get; } = Error(message, type, param, code);

    public static JsonObject Error(string message, string type, string? param, string? code) =>
        new() { ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = param, ["code"] = code } };

    public static ApiException ConversationNotFound(string id) => new(404, $"Conversation with id '{id}' not found.");

    public static ApiException ResponseNotFound(string id) => new(404, $"Response with id '{id}' not found.");

    public static ApiException ItemNotFound(string id) => new(404, $"Item with id '{id}' not found.");

    public static ApiException Missing(string param) =>
        new(400, $"Missing required parameter: '{param}'.", param, "missing_required_parameter");

    public static ApiException InvalidType(string param, string expected, JsonNode? value) =>
        new(400, $"Invalid type for '{param}': expected {expected}, but got {Describe(value)} instead.", param, "invalid_type");

    public static ApiException InvalidValue(string param, string message) => new(400, message, param, "invalid_value");

    private static string Describe(JsonNode? value) => value?.GetValueKind() switch
    {
        null => "null",
        System.Text.Json.JsonValueKind.Object => "an object",
        System.Text.Json.JsonValueKind.Array => "an array",
        System.Text.Json.JsonValueKind.String => "a string",
        System.Text.Json.JsonValueKind.Number => "a number",
        _ => "a boolean",
    };
}
