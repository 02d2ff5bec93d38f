using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

/// <summary>Requests as the app makes them.</summary>
internal static class Ask
{
    private const string WeatherSchema = """
        {"type":"object","properties":{"city":{"type":"string"},"country_code":{"type":["string","null"]}},"required":["city","country_code"],"additionalProperties":false}
        """;

    private const string OfficesSchema = """
        {"type":"object","properties":{"city":{"type":"string"},"capacity":{"type":"integer"}},"required":["city","capacity"],"additionalProperties":false}
        """;

    private const string EmailSchema = """
        {"type":"object","properties":{"email":{"type":"string"}},"required":["email"],"additionalProperties":false}
        """;

    private const string NoParameters = """{"type":"object","properties":{},"required":[],"additionalProperties":false}""";

    public static IReadOnlyList<ResponseTool> AllTools { get; } =
    [
        Tool("get_weather", WeatherSchema),
        Tool("get_active_clients_per_service", NoParameters),
        Tool("get_available_offices", OfficesSchema),
        Tool("get_user_audit_logs", EmailSchema),
        Tool("get_user_role", EmailSchema),
    ];

    public static CreateResponseOptions Question(string? conversation, string text, bool streamed = true, IEnumerable<ResponseTool>? tools = null) =>
        Items(conversation, [ResponseItem.CreateUserMessageItem(text)], streamed, tools);

    public static CreateResponseOptions Outputs(string? conversation, params (string CallId, string Output)[] outputs) =>
        Items(conversation, outputs.Select(output => ResponseItem.CreateFunctionCallOutputItem(output.CallId, output.Output)), true, null);

    private static CreateResponseOptions Items(string? conversation, IEnumerable<ResponseItem> items, bool streamed, IEnumerable<ResponseTool>? tools)
    {
        var options = new CreateResponseOptions { Model = "gpt-4o-mini", Instructions = "You are Cosmo.", StreamingEnabled = streamed };
        if (conversation is not null)
        {
            options.ConversationOptions = new ResponseConversationOptions(conversation);
        }

        foreach (var item in items)
        {
            options.InputItems.Add(item);
        }

        foreach (var tool in tools ?? AllTools)
        {
            options.Tools.Add(tool);
        }

        return options;
    }

    private static FunctionTool Tool(string name, string schema) =>
        ResponseTool.CreateFunctionTool(name, BinaryData.FromString(schema), true, $"Tool {name}.");
}
