using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Cosmo.Functions.Tools.Files.Mcp;

/// <summary>A tool of an MCP server that a file names: what does not change, whether the server is there or not.</summary>
internal sealed class ListedTool(string name, ToolFile file, McpServer server) : ITool
{
    public string Name => name;

    public string Description => "";

    public JsonNode Parameters { get; } = new JsonObject { ["type"] = "object" };

    public IReadOnlyList<string> Roles => file.Roles;

    public bool IsReadOnly => file.IsReadOnly ?? false;

    public bool RequiresApproval => file.RequiresApproval;

    public ITool? Current => server.Find(name);

    public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("The tool as the server offers it is to be executed.");
}

/// <summary>A tool of an MCP server as it offers it.</summary>
internal sealed class McpTool(string name, string description, JsonObject parameters, bool readOnlyHint, ToolFile file, McpClient client, McpServer server) : ITool
{
    public string Name => name;

    public string Description => description;

    public JsonNode Parameters => parameters;

    public IReadOnlyList<string> Roles => file.Roles;

    public bool IsReadOnly => file.IsReadOnly ?? readOnlyHint;

    public bool RequiresApproval => file.RequiresApproval;

    public bool IsStrict { get; } = SchemaKeywords.AreStrict(parameters);

    public TimeSpan? TimeLimit => file.TimeLimit;

    public async Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken)
    {
        ToolArguments.Check(arguments, parameters);
        IdempotencyKey.OfCall = IsReadOnly ? null : callId;
        try
        {
            var result = await client.CallToolAsync(
                new CallToolRequestParams { Name = name, Arguments = arguments.EnumerateObject().ToDictionary(argument => argument.Name, argument => argument.Value.Clone()) },
                cancellationToken);
            var output = (JsonObject)file.Secrets.Hide(Output(result))!;
            return result.IsError == true ? throw new ToolException(Text(output)) : output;
        }
        catch (McpException)
        {
            throw new ToolException($"The server answered with an error. {(IsReadOnly ? "Tell the user that this could not be looked up right now." : Toolbox.OutcomeUnknown)}");
        }
        catch (Exception exception) when (exception is not (ToolException or OperationCanceledException))
        {
            server.Doubt();
            throw new ToolException(
                $"The server that does this cannot be reached right now ({McpFault.ReasonOf(exception)}). {(IsReadOnly ? "Tell the user to try again later." : Toolbox.OutcomeUnknown)}");
        }
    }

    private static JsonObject Output(CallToolResult result)
    {
        if (result.StructuredContent is { } structured)
        {
            return Wrapped(JsonNode.Parse(structured.GetRawText()));
        }

        var text = string.Join('\n', result.Content.Select(block => block is TextContentBlock { Text: var said } ? said : $"({block.Type}: not shown)"));
        return ForeignJson.TryRead(System.Text.Encoding.UTF8.GetBytes(text), out var json, out _) ? Wrapped(json.ToNode()) : new JsonObject { ["result"] = text };
    }

    private static JsonObject Wrapped(JsonNode? node) => node as JsonObject ?? new JsonObject { ["result"] = node };

    private static string Text(JsonObject output) => output is { Count: 1 } && output["result"]?.GetValueKind() == JsonValueKind.String ? (string)output["result"]! : output.ToJsonString(ToolJson.Options);
}

/// <summary>Puts the id of a call that is to happen once into the header of its request.</summary>
internal sealed class IdempotencyKey : DelegatingHandler
{
    private static readonly AsyncLocal<string?> Call = new();

    /// <summary>The id of the call that is being made, of this flow of control.</summary>
    public static string? OfCall
    {
        set => Call.Value = value;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (Call.Value is { } callId)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", callId);
        }

        return base.SendAsync(request, cancellationToken);
    }
}
