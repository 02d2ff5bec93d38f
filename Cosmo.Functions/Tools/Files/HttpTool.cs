using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tools.Files;

/// <summary>A tool that is one HTTP request, as a file declares it.</summary>
internal sealed class HttpTool(ToolFile file, HttpDefinition http, ApiClient api) : ITool
{
    private readonly string _service = $"the service of {file.Name}";

    public string Name => file.Name;

    public string Description => http.Description;

    public JsonNode Parameters => http.Parameters;

    public IReadOnlyList<string> Roles => file.Roles;

    public bool IsReadOnly { get; } = file.IsReadOnly ?? http.Method == HttpMethod.Get;

    public bool RequiresApproval => file.RequiresApproval;

    public bool IsStrict { get; } = SchemaKeywords.AreStrict(http.Parameters);

    public TimeSpan? TimeLimit => file.TimeLimit;

    public async Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken)
    {
        ToolArguments.Check(arguments, http.Parameters);
        var address = Address(arguments);
        var body = http.Body?.Invoke(arguments)?.ToJsonString(ToolJson.Options);
        var call = new ApiCall(_service, ServiceClients.NameFor(file.AllowsPrivate), () => Request(address, body, callId)) { MayRepeat = IsReadOnly };
        if (TimeLimit is { } limit)
        {
            call = call with { TryTimeLimit = limit };
        }

        var answer = await api.SendAsync(call, cancellationToken)
            ?? throw new ToolException("Nothing was found for these arguments. Ask the user to check them.");
        return file.Secrets.Hide(Result(answer))!;
    }

    private HttpRequestMessage Request(Uri address, string? body, string callId)
    {
        var request = new HttpRequestMessage(http.Method, address);
        foreach (var (name, value) in file.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (!IsReadOnly)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", callId);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return request;
    }

    private Uri Address(JsonElement arguments)
    {
        var text = new StringBuilder();
        foreach (var part in http.Url.Parts)
        {
            text.Append(!part.IsArgument ? part.Text
                : text.ToString().Contains('?') ? Uri.EscapeDataString(Template.TextOf(arguments, part.Text) ?? "")
                : Segment(arguments, part.Text));
        }

        if (text.ToString().Split('?')[0].Split('/').Any(segment => segment is "." or ".."))
        {
            throw new ToolException("The arguments would lead to another place of the service. Ask the user to check them.");
        }

        foreach (var (name, value) in http.Query)
        {
            if (value.Fill(argument => Template.TextOf(arguments, argument)) is { } filled)
            {
                text.Append(text.ToString().Contains('?') ? '&' : '?').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(filled));
            }
        }

        return new Uri(text.ToString());
    }

    /// <summary>A value for the path. Some servers decode a slash before they look at the path, so one would lead to another place.</summary>
    private static string Segment(JsonElement arguments, string name) => Template.TextOf(arguments, name) switch
    {
        null or "" => throw new ToolException($"The argument '{name}' must not be empty."),
        var value when value.Any(letter => letter is '/' or '\\' || char.IsControl(letter)) => throw new ToolException($"The argument '{name}' must not hold a slash."),
        var value => Uri.EscapeDataString(value),
    };

    /// <summary>What of the answer is meant. The model is always given an object.</summary>
    private JsonObject Result(byte[] answer)
    {
        if (!ForeignJson.TryRead(answer, out var json, out _))
        {
            return http.Result.Steps.Count > 0
                ? throw ApiClient.Unreadable(_service)
                : new JsonObject { ["result"] = answer.Length > 0 ? Encoding.UTF8.GetString(answer) : "done" };
        }

        var result = http.Result.In(json) ?? throw ApiClient.Unreadable(_service);
        return result.ToNode() is JsonObject members ? members : new JsonObject { ["result"] = result.ToNode() };
    }
}
