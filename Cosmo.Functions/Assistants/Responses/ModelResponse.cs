using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Assistants.Responses;

/// <summary>A response that came to its end, whole or cut.</summary>
/// <param name="Id">Its id; empty where the service gave none.</param>
/// <param name="Items">Its output.</param>
internal sealed record ModelResponse(string Id, IReadOnlyList<ConversationItem> Items)
{
    /// <summary>Why it was cut: <c>max_output_tokens</c> or <c>content_filter</c>; null if it is whole.</summary>
    public string? Incomplete { get; init; }

    /// <summary>The model that made it, as the service names it.</summary>
    public string? Model { get; init; }

    /// <summary>What it read and wrote, in tokens; null where the service does not say.</summary>
    public (long Input, long CachedInput, long Output)? Tokens { get; init; }

    /// <summary>A response object; null if it did not come to its end.</summary>
    /// <param name="json">The object.</param>
    /// <param name="status">Its status, as the object or the event about it has it.</param>
    /// <param name="id">Its id, if the object has none.</param>
    public static ModelResponse? Read(JsonElement? json, string? status, string? id)
    {
        if (status is not ("completed" or "incomplete"))
        {
            return null;
        }

        var isFiltered = json.Member("incomplete_details").Text("reason")?.Contains("filter", StringComparison.OrdinalIgnoreCase) == true;
        return new(json.Text("id") ?? id ?? "", [.. json.List("output").Select(ConversationItem.Read)])
        {
            Incomplete = status == "completed" ? null : isFiltered ? AssistantResponse.ContentFilter : AssistantResponse.MaxOutputTokens,
            Model = json.Text("model"),
            Tokens = ReadTokens(json.Member("usage")),
        };
    }

    private static (long Input, long CachedInput, long Output)? ReadTokens(JsonElement? usage) => usage is null
        ? null
        : (Count(usage, "input_tokens"), Count(usage.Member("input_tokens_details"), "cached_tokens"), Count(usage, "output_tokens"));

    private static long Count(JsonElement? counts, string name) => counts.Number(name) is { } number and >= 0 and < 1e12 ? (long)number : 0;

    /// <summary>All its text: each message is a paragraph.</summary>
    public string Text => string.Join(AssistantResponse.Paragraph, Messages.Select(item => item.Content));

    /// <summary>The ids of the items in which its text stands.</summary>
    public IReadOnlyList<string> MessageIds => [.. Messages.Select(item => item.Id).OfType<string>()];

    private IEnumerable<ConversationItem> Messages => Items.Where(item => item.Type == ConversationItem.Message && item.Content.Length > 0);

    public IReadOnlyList<ToolCall> Calls =>
    [
        .. Items.Where(item => item is { Type: ConversationItem.FunctionCall, CallId: not null, Name: not null })
            .DistinctBy(call => call.CallId)
            .Select(call => new ToolCall(call.CallId!, call.Name!, call.Content)),
    ];
}

/// <summary>An item of a conversation or of a response: a message, a call, its output, or what else there is.</summary>
/// <param name="Type">The wire's type.</param>
/// <param name="Id">The item's id.</param>
/// <param name="CallId">What joins a call and its output.</param>
/// <param name="Name">The function that is called.</param>
/// <param name="Content">The text of a message, the arguments of a call, or its output.</param>
internal sealed record ConversationItem(string Type, string? Id, string? CallId, string? Name, string Content)
{
    public const string Message = "message";
    public const string FunctionCall = "function_call";
    public const string FunctionCallOutput = "function_call_output";

    /// <summary>Whose message it is.</summary>
    public string? Role { get; init; }

    /// <summary>The wire's status, <c>incomplete</c> for instance.</summary>
    public string? Status { get; init; }

    /// <summary>The item as it came; null if only its pieces did.</summary>
    public JsonElement? Json { get; init; }

    public bool IsQuestion(string text) => this is { Type: Message, Role: "user" } && Content == text;

    public static ConversationItem Read(JsonElement? json)
    {
        var type = json.Text("type") ?? (json.Text("role") is null ? "" : Message);
        return new(
            type,
            json.Text("id"),
            json.Text("call_id") ?? (type == FunctionCall ? json.Text("id") : null),
            json.Text("name"),
            type switch
            {
                Message => Said(json),
                FunctionCall => json.Text("arguments") ?? (json.Member("arguments") is { } arguments ? ServiceJson.Raw(arguments) : ""),
                FunctionCallOutput => json.Text("output") ?? "",
                _ => "",
            })
        {
            Role = json.Text("role"),
            Status = json.Text("status"),
            Json = json,
        };
    }

    public static ConversationItem Question(string text) => new(Message, null, null, null, text) { Role = "user" };

    public static ConversationItem Answer(string text) => new(Message, null, null, null, text) { Role = "assistant" };

    public static ConversationItem Output(string callId, string output) => new(FunctionCallOutput, null, callId, null, output);

    /// <summary>The item as a request adds it.</summary>
    public string ToJson() => Json is { } json ? ServiceJson.Raw(json) : Made().ToJsonString();

    private JsonObject Made() => Type switch
    {
        Message => new()
        {
            ["type"] = Type,
            ["role"] = Role ?? "assistant",
            ["content"] = new JsonArray(new JsonObject { ["type"] = Role == "user" ? "input_text" : "output_text", ["text"] = Content }),
        },
        FunctionCall => new() { ["type"] = Type, ["call_id"] = CallId, ["name"] = Name, ["arguments"] = Content },
        _ => new() { ["type"] = Type, ["call_id"] = CallId, ["output"] = Content },
    };

    /// <summary>Where the model refuses, the refusal is what it says.</summary>
    private static string Said(JsonElement? message) => message.Text("content")
        ?? string.Concat(message.List("content").Select(part => part.Text("text") ?? part.Text("refusal")));
}
