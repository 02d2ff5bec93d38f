using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>A message, a function call or its output, as it stands on the wire. It is never changed.</summary>
internal sealed class Item
{
    private readonly JsonObject _json;

    private Item(JsonObject json)
    {
        _json = json;
        Id = Text("id")!;
        Type = Text("type")!;
    }

    public string Id { get; }

    public string Type { get; }

    public bool IsUserMessage => Type == "message" && Text("role") == "user";

    public bool IsFunctionCall => Type == "function_call";

    public bool IsFunctionCallOutput => Type == "function_call_output";

    /// <summary>What joins a call and its output; null for other items.</summary>
    public string? CallId => Text("call_id");

    public string? FunctionName => Text("name");

    public string? Arguments => Text("arguments");

    /// <summary>The text of a message, or of a function's output.</summary>
    public string ContentText => (IsFunctionCallOutput ? _json["output"] : _json["content"]) switch
    {
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        JsonArray parts => string.Concat(parts.Select(part => (part as JsonObject)?["text"]?.ToString())),
        _ => "",
    };

    /// <summary>Takes ownership of <paramref name="json"/>, which has a type, and gives it an id and a status where they are missing.</summary>
    public static Item From(JsonObject json)
    {
        json["id"] ??= Ids.New((string?)json["type"] switch
        {
            "message" => "msg",
            "function_call" => "fc",
            "function_call_output" => "fco",
            _ => "item",
        });
        json["status"] ??= "completed";
        return new Item(json);
    }

    public static Item Message(string id, string text, string status) => new(new JsonObject
    {
        ["id"] = id,
        ["type"] = "message",
        ["status"] = status,
        ["role"] = "assistant",
        ["content"] = new JsonArray(TextPart(text)),
    });

    public static Item FunctionCall(string id, string callId, string name, string arguments, string status) => new(new JsonObject
    {
        ["id"] = id,
        ["type"] = "function_call",
        ["status"] = status,
        ["call_id"] = callId,
        ["name"] = name,
        ["arguments"] = arguments,
    });

    public static JsonObject TextPart(string text) => new()
    {
        ["type"] = "output_text",
        ["text"] = text,
        ["annotations"] = new JsonArray(),
        ["logprobs"] = new JsonArray(),
    };

    /// <summary>A copy for a body.</summary>
    public JsonObject ToJson() => (JsonObject)_json.DeepClone();

    private string? Text(string name) =>
        _json[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
