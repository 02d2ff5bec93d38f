using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Tools.Files;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Tools that are files, through the whole flow.</summary>
public sealed class ToolFilesTests : IDisposable
{
    private const string AddNote = """
        { "name": "add_note", "description": "Adds a note.",
          "parameters": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false },
          "http": { "method": "POST", "url": "%NOTES_URL%/notes", "body": { "text": "{text}" } },
          "allow_private": true }
        """;

    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));
    private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("cosmo-tools-");
    private readonly string _channel = $"c-{Guid.NewGuid():n}";

    public void Dispose()
    {
        _limit.Dispose();
        _tools.Delete(recursive: true);
    }

    [Fact]
    public async Task The_sample_tool_answers_a_question()
    {
        await using var stack = await CosmoStack.CreateAsync(CosmoStack.Patient);
        stack.Set("EXCHANGE_RATES_URL", new Uri(stack.Backends.Url, "/rates").AbsoluteUri);
        stack.Set("X_API_KEY", "a-key-that-is-marked");
        await stack.StartFunctionsAsync();
        await using var client = await stack.OpenAsync(_channel);

        await stack.Queue.SendAsync(_channel, "m", "What is the exchange rate from USD to PHP?");

        (await client.FinalAsync("m", 60))["message"]!.GetValue<string>().ShouldContain("58.42");
        client.Seen.ShouldContain(update => update.ToJsonString().Contains("Executing get_exchange_rate..."));
        using var http = new HttpClient();
        var asked = JsonNode.Parse(await http.GetStringAsync(new Uri(stack.Backends.Url, "/emulator/requests"), _limit.Token))!["requests"]!.AsArray().ShouldHaveSingleItem()!;
        (asked["path"]!.GetValue<string>(), asked["hasKey"]!.GetValue<bool>()).ShouldBe(("/rates/USD/PHP", true));
        stack.Output.ShouldNotContain("a-key-that-is-marked");
        stack.Output.ShouldNotContain("/rates");
    }

    [Fact]
    public async Task A_call_that_changes_something_is_not_made_again_by_a_worker_that_was_killed_in_the_midst_of_it()
    {
        var keys = new ConcurrentQueue<string>();
        var isAsked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var notes = await HttpStub.StartAsync(async context =>
        {
            keys.Enqueue(context.Request.Headers["Idempotency-Key"].ToString());
            isAsked.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await using var stack = await StartAsync(AddNote, ("NOTES_URL", notes.Url.ToString().TrimEnd('/')));
        await stack.ScriptAsync("""[{"userText": "note", "calls": [{"name": "add_note", "arguments": {"text": "Hello"}}]}]""");
        await using var client = await stack.OpenAsync(_channel);

        await stack.Queue.SendAsync(_channel, "m", "Add a note.");
        await isAsked.Task.WaitAsync(_limit.Token);
        await stack.KillWorkerAsync();

        (await client.FinalAsync("m", 60))["message"]!.GetValue<string>().ShouldContain("The outcome is unknown");
        keys.ShouldHaveSingleItem().ShouldStartWith("call_");
    }

    [Fact]
    public async Task A_tool_of_an_MCP_server_answers_a_question_and_the_model_is_asked_without_it_when_it_is_away()
    {
        await using var server = await McpStub.StartAsync();
        server.Tools = """[{ "name": "find_customer", "description": "Finds a customer.", "inputSchema": { "type": "object", "properties": { "code": { "type": "string", "pattern": "^C[0-9]+$" } }, "required": ["code"] } }]""";
        server.Call = (call, _) => Task.FromResult(McpStub.Text($$"""{"customer":"{{call.Arguments!["code"]}} is Ana Reyes"}"""));
        await using var stack = await StartAsync(
            """{ "mcp": { "url": "%CRM_MCP_URL%", "tools": ["find_customer"] }, "allow_private": true }""", ("CRM_MCP_URL", server.Url.ToString()), ("Cosmo:Tools:McpRefreshSeconds", "1"));
        await using var client = await stack.OpenAsync(_channel);
        await stack.WroteAsync("offers 1 of its 1 tools", _limit.Token);

        await stack.Queue.SendAsync(_channel, "m1", "Who is the customer C17?");
        (await client.FinalAsync("m1", 60))["message"]!.GetValue<string>().ShouldContain("C17 is Ana Reyes");

        server.Status = 503;
        await stack.WroteAsync("is away", _limit.Token);
        await stack.Queue.SendAsync(_channel, "m2", "Who is the customer C17, again?");
        await client.FinalAsync("m2", 60);
        (await stack.RequestsAsync("again"))[^1]["tools"]!.AsArray().Select(tool => tool!.GetValue<string>()).ShouldNotContain("find_customer");
    }

    [Fact]
    public async Task A_file_that_is_wrong_stops_the_start_with_all_that_is_wrong()
    {
        await using var stack = await CreateAsync(AddNote.Replace("\"http\"", "\"htpp\"", StringComparison.Ordinal), ("NOTES_URL", "http://127.0.0.1:9"));
        await File.WriteAllTextAsync(Path.Combine(_tools.FullName, "other.json"), "{", _limit.Token);

        await stack.TryFunctionsAsync(_limit.Token);

        await stack.WroteAsync("add_note.json:3: htpp is not known", _limit.Token);
        await stack.WroteAsync("other.json", _limit.Token);
    }

    private async Task<CosmoStack> StartAsync(string file, params (string Name, string Value)[] settings)
    {
        var stack = await CreateAsync(file, settings);
        await stack.StartFunctionsAsync();
        return stack;
    }

    private async Task<CosmoStack> CreateAsync(string file, params (string Name, string Value)[] settings)
    {
        var name = (string?)JsonNode.Parse(file)!["name"] ?? "tool";
        await File.WriteAllTextAsync(Path.Combine(_tools.FullName, name + ".json"), file, _limit.Token);
        var stack = await CosmoStack.CreateAsync(CosmoStack.Patient);
        stack.Set("TOOLS_PATH", _tools.FullName);
        foreach (var (setting, value) in settings)
        {
            stack.Set(setting, value);
        }

        return stack;
    }
}
