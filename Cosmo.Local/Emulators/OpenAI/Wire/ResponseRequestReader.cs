using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.OpenAI.Wire;

/// <summary>Reads the body of <c>POST /responses</c> as strictly as the service does.</summary>
internal static class ResponseRequestReader
{
    private static readonly HashSet<string> Known =
    [
        "background", "context_management", "conversation", "include", "input", "instructions", "max_output_tokens", "max_tool_calls",
        "metadata", "model", "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention",
        "reasoning", "safety_identifier", "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice",
        "tools", "top_logprobs", "top_p", "truncation", "user",
    ];

    public static ResponseRequest Read(JsonObject body)
    {
        var parameters = new ParameterReader(body);
        parameters.NothingBut(Known);
        var request = new ResponseRequest
        {
            Model = parameters.RequiredText("model"),
            Input = ItemReader.ReadInput(body["input"]),
            Tools = ToolReader.ReadAll(parameters.Array("tools")),
            ConversationId = ReadConversation(body["conversation"]),
            PreviousResponseId = parameters.Text("previous_response_id"),
            Stream = parameters.Flag("stream", false),
            Background = parameters.Flag("background", false),
            Store = parameters.Flag("store", true),
            ParallelToolCalls = parameters.Flag("parallel_tool_calls", true),
            MayCallTools = ReadToolChoice(body["tool_choice"]),
            Obfuscation = ReadObfuscation(parameters),
            MaxOutputTokens = parameters.Integer("max_output_tokens", 16),
            Metadata = MetadataReader.Read(parameters),
            Body = body,
        };

        parameters.Text("instructions");
        parameters.Number("temperature", 0, 2);
        parameters.Number("top_p", 0, 1);
        parameters.OneOf("truncation", "auto", "disabled");
        CheckTogether(request);
        return request;
    }

    private static void CheckTogether(ResponseRequest request)
    {
        if (request.ConversationId is not null && request.PreviousResponseId is not null)
        {
            throw new ApiException(
                400,
                "Mutually exclusive parameters: 'conversation' and 'previous_response_id'. Ensure you are only providing one of them.",
                null,
                "mutually_exclusive_parameters");
        }

        if (request.Background && !request.Store)
        {
            throw new ApiException(400, "Background mode requires 'store' to be true.", "background", "invalid_value");
        }
    }

    private static string? ReadConversation(JsonNode? conversation) => conversation switch
    {
        null => null,
        JsonObject json => new ParameterReader(json, "conversation").RequiredText("id"),
        JsonValue id when id.GetValueKind() == JsonValueKind.String => id.GetValue<string>(),
        _ => throw ApiException.InvalidType("conversation", "one of a conversation ID or object", conversation),
    };

    private static bool ReadToolChoice(JsonNode? choice)
    {
        switch (choice)
        {
            case null or JsonObject:
                return true;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                new ParameterReader(new JsonObject { ["tool_choice"] = value.DeepClone() }).OneOf("tool_choice", "none", "auto", "required");
                return value.GetValue<string>() != "none";
            default:
                throw ApiException.InvalidType("tool_choice", "one of a tool choice mode or object", choice);
        }
    }

    private static bool ReadObfuscation(ParameterReader parameters) =>
        parameters.Object("stream_options") is not { } options
        || new ParameterReader(options, "stream_options").Flag("include_obfuscation", true);
}
