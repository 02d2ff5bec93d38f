using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>Reads input items strictly and brings the short forms (a bare string, a message with text as content) into the full one.</summary>
internal static class ItemReader
{
    private static readonly HashSet<string> Types =
    [
        "message", "function_call", "function_call_output", "reasoning", "compaction", "custom_tool_call", "custom_tool_call_output",
        "file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
    ];

    /// <summary>The <c>input</c> of a response: a text or a list of items.</summary>
    public static IReadOnlyList<Item> ReadInput(JsonNode? input) => input switch
    {
        null => throw ApiException.Missing("input"),
        JsonValue text when text.GetValueKind() == JsonValueKind.String => [UserMessage(text.GetValue<string>())],
        JsonArray items => ReadAll(items, "input"),
        _ => throw ApiException.InvalidType("input", "one of a string or array of input items", input),
    };

    public static IReadOnlyList<Item> ReadAll(JsonArray items, string path) =>
        [.. items.Select((item, index) => Read(item, $"{path}[{index}]"))];

    private static Item UserMessage(string text) =>
        Item.From(new JsonObject { ["type"] = "message", ["role"] = "user", ["content"] = Parts(text, "input_text") });

    private static JsonArray Parts(string text, string type) => [new JsonObject { ["type"] = type, ["text"] = text }];

    private static Item Read(JsonNode? node, string path)
    {
        if (node is not JsonObject source)
        {
            throw ApiException.InvalidType(path, "an object", node);
        }

        var item = (JsonObject)source.DeepClone();
        var parameters = new ParameterReader(item, path);
        var type = parameters.Text("type") ?? "message";
        if (!Types.Contains(type))
        {
            throw ApiException.InvalidValue($"{path}.type", $"Invalid value: '{type}'. Supported values are: '{string.Join("', '", Types)}'.");
        }

        item["type"] = type;
        switch (type)
        {
            case "message":
                CheckMessage(item, parameters);
                break;
            case "function_call":
                parameters.RequiredText("call_id");
                parameters.RequiredText("name");
                parameters.RequiredText("arguments");
                break;
            case "function_call_output":
                parameters.RequiredText("call_id");
                CheckOutput(item, path);
                break;
        }

        return Item.From(item);
    }

    private static void CheckMessage(JsonObject item, ParameterReader parameters)
    {
        var role = parameters.RequiredText("role");
        parameters.OneOf("role", "assistant", "system", "developer", "user");
        switch (item["content"])
        {
            case null:
                throw ApiException.Missing(parameters.Path("content"));
            case JsonValue text when text.GetValueKind() == JsonValueKind.String:
                item["content"] = Parts(text.GetValue<string>(), role == "assistant" ? "output_text" : "input_text");
                break;
            case JsonArray parts:
                foreach (var (index, part) in parts.Index())
                {
                    CheckPart(part, $"{parameters.Path("content")}[{index}]");
                }

                break;
            case var other:
                throw ApiException.InvalidType(parameters.Path("content"), "one of a string or array of content parts", other);
        }
    }

    private static void CheckPart(JsonNode? part, string path)
    {
        if (part is not JsonObject json)
        {
            throw ApiException.InvalidType(path, "an object", part);
        }

        var parameters = new ParameterReader(json, path);
        if (parameters.RequiredText("type") is "input_text" or "output_text")
        {
            parameters.RequiredText("text");
        }

        parameters.OneOf("type", "input_text", "input_image", "output_text", "refusal", "input_file", "computer_screenshot", "summary_text");
    }

    private static void CheckOutput(JsonObject item, string path)
    {
        if (item["output"] is null)
        {
            throw ApiException.Missing($"{path}.output");
        }

        if (item["output"] is not JsonArray && item["output"]!.GetValueKind() != JsonValueKind.String)
        {
            throw ApiException.InvalidType($"{path}.output", "one of a string or array of content parts", item["output"]);
        }
    }
}
