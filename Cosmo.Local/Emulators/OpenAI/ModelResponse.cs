using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>A response from its request to its end. Only the first end counts, and only a completed one adds to its conversation.</summary>
internal sealed class ModelResponse(ResponseRequest request, Conversation? conversation, IReadOnlyList<Item> context, long createdAt)
{
    private static readonly string[] Echoed =
    [
        "instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "reasoning", "safety_identifier", "temperature",
        "text", "tool_choice", "tools", "top_p", "truncation", "user",
    ];

    private readonly Lock _lock = new();

    public string Id { get; } = Ids.New("resp");

    public ResponseRequest Request { get; } = request;

    public Conversation? Conversation { get; } = conversation;

    /// <summary>All that the model sees: the items before, then the input.</summary>
    public IReadOnlyList<Item> Context { get; } = context;

    /// <summary>The text of the newest question; empty when there is none.</summary>
    public string UserText => Context.LastOrDefault(item => item.IsUserMessage)?.ContentText ?? "";

    public Outcome Outcome { get; private set; } = request.Background ? Outcome.Queued : Outcome.InProgress;

    /// <summary>What a background response has sent so far, to be read again; null in the foreground.</summary>
    public EventLog? Events { get; } = request.Background ? new EventLog() : null;

    /// <summary>Nothing of it comes into its conversation.</summary>
    public bool LosesItems { get; set; }

    /// <summary>It cannot be asked for.</summary>
    public bool IsHidden { get; set; }

    public void Start()
    {
        lock (_lock)
        {
            Outcome = Outcome.IsFinal ? Outcome : Outcome.InProgress;
        }
    }

    /// <summary>Ends the response and frees its conversation; false when it had ended before.</summary>
    public bool TryEnd(Outcome outcome)
    {
        lock (_lock)
        {
            if (Outcome.IsFinal)
            {
                return false;
            }

            Outcome = outcome;
        }

        Conversation?.Release(outcome.Status == "completed" && !LosesItems ? [.. Request.Input, .. outcome.Output] : []);
        return true;
    }

    /// <summary>The response object.</summary>
    public JsonObject ToJson()
    {
        var outcome = Outcome;
        var json = new JsonObject
        {
            ["id"] = Id,
            ["object"] = "response",
            ["created_at"] = createdAt,
            ["status"] = outcome.Status,
            ["background"] = Request.Background,
            ["error"] = outcome.Error is { } error ? Error(error.Code, error.Type, error.Message) : null,
            ["incomplete_details"] = outcome.IncompleteReason is { } reason ? new JsonObject { ["reason"] = reason } : null,
            ["model"] = Request.Model,
            ["output"] = new JsonArray([.. outcome.Output.Select(item => item.ToJson())]),
            ["parallel_tool_calls"] = Request.ParallelToolCalls,
            ["store"] = Request.Store,
            ["metadata"] = Request.Metadata.DeepClone(),
            ["usage"] = outcome.Status is "completed" or "incomplete" ? Usage(outcome.OutputTokens) : null,
        };

        foreach (var name in Echoed)
        {
            json[name] = Request.Body[name]?.DeepClone();
        }

        json["temperature"] ??= 1.0;
        json["top_p"] ??= 1.0;
        json["text"] ??= new JsonObject { ["format"] = new JsonObject { ["type"] = "text" } };
        json["tool_choice"] ??= "auto";
        json["tools"] ??= new JsonArray();
        json["truncation"] ??= "disabled";
        if (Conversation is not null)
        {
            json["conversation"] = new JsonObject { ["id"] = Conversation.Id };
        }

        return json;
    }

    /// <summary>An error as responses and events have it. The service gives no type; gateways do.</summary>
    public static JsonObject Error(string? code, string? type, string message)
    {
        var error = new JsonObject { ["code"] = code, ["message"] = message };
        if (type is not null)
        {
            error["type"] = type;
        }

        return error;
    }

    private JsonObject Usage(int outputTokens)
    {
        // Four characters a token is the usual rule of thumb.
        var inputTokens = Context.Sum(item => 4 + ((item.ContentText.Length + (item.Arguments?.Length ?? 0)) / 4));
        return new JsonObject
        {
            ["input_tokens"] = inputTokens,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = 0 },
            ["output_tokens"] = outputTokens,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
            ["total_tokens"] = inputTokens + outputTokens,
        };
    }
}
