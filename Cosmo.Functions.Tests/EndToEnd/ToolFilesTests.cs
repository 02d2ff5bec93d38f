using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Tools.Files;
using Cosmo.Local.SampleData;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Tools that are files, through the whole flow.</summary>
public sealed class ToolFilesTests(ToolFilesTests.Fixture fixture) : IClassFixture<ToolFilesTests.Fixture>, IDisposable
{
    private const string AddNote = """
        { "name": "add_note", "description": "Adds a note.",
          "parameters": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false },
          "http": { "method": "POST", "url": "%NOTES_URL%/notes", "body": { "text": "{text}" } },
          "allow_private": true }
        """;

    private readonly CosmoStack _stack = fixture.Stack;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));
    private readonly string _channel = $"c-{Guid.NewGuid():n}";

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task The_sample_tool_answers_a_question()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await _stack.Queue.SendAsync(_channel, "m", "What is the exchange rate from USD to PHP?");

        (await client.FinalAsync("m", 60))["message"]!.GetValue<string>().ShouldContain("58.42");
        client.Seen.ShouldContain(update => update.ToJsonString().Contains("Executing get_exchange_rate..."));
        using var http = new HttpClient();
        var asked = JsonNode.Parse(await http.GetStringAsync(new Uri(_stack.Backends.Url, "/emulator/requests"), _limit.Token))!["requests"]!.AsArray().ShouldHaveSingleItem()!;
        (asked["path"]!.GetValue<string>(), asked["hasKey"]!.GetValue<bool>()).ShouldBe(("/rates/USD/PHP", true));
        _stack.Output.ShouldNotContain("a-key-that-is-marked");
        _stack.Output.ShouldNotContain("/rates");
    }

    [Fact]
    public async Task A_call_that_changes_something_is_not_made_again_by_a_worker_that_was_killed_in_the_midst_of_it()
    {
        await _stack.ScriptAsync("""[{"userText": "note", "calls": [{"name": "add_note", "arguments": {"text": "Hello"}}]}]""");
        await using var client = await _stack.OpenAsync(_channel);

        await _stack.Queue.SendAsync(_channel, "m", "Add a note.");
        await fixture.NoteIsAsked.WaitAsync(_limit.Token);
        await _stack.KillWorkerAsync();

        (await client.FinalAsync("m", 60))["message"]!.GetValue<string>().ShouldContain("The outcome is unknown");
        fixture.NoteKeys.ShouldHaveSingleItem().ShouldStartWith("call_");
    }

    [Fact]
    public async Task A_tool_of_an_MCP_server_answers_a_question_and_the_model_is_asked_without_it_when_it_is_away()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.WroteAsync("offers 1 of its 1 tools", _limit.Token);

        await _stack.Queue.SendAsync(_channel, "m1", "Who is the customer C17?");
        (await client.FinalAsync("m1", 60))["message"]!.GetValue<string>().ShouldContain("C17 is Ana Reyes");

        fixture.Mcp.Status = 503;
        await _stack.WroteAsync("is away", _limit.Token);
        await _stack.Queue.SendAsync(_channel, "m2", "Who is the customer C17, again?");
        await client.FinalAsync("m2", 60);
        (await _stack.RequestsAsync("again"))[^1]["tools"]!.AsArray().Select(tool => tool!.GetValue<string>()).ShouldNotContain("find_customer");
    }

    [Fact]
    public async Task A_file_that_is_wrong_stops_the_start_with_all_that_is_wrong()
    {
        var tools = Directory.CreateTempSubdirectory("cosmo-tools-");
        await File.WriteAllTextAsync(Path.Combine(tools.FullName, "add_note.json"), AddNote.Replace("\"http\"", "\"htpp\"", StringComparison.Ordinal), _limit.Token);
        await File.WriteAllTextAsync(Path.Combine(tools.FullName, "other.json"), "{", _limit.Token);
        await using var stack = await CosmoStack.CreateAsync(new Dictionary<string, string> { ["TOOLS_PATH"] = tools.FullName, ["NOTES_URL"] = "http://127.0.0.1:9" });

        await stack.TryFunctionsAsync(_limit.Token);

        await stack.WroteAsync("add_note.json:3: htpp is not known", _limit.Token);
        await stack.WroteAsync("other.json", _limit.Token);
        tools.Delete(recursive: true);
    }

    /// <summary>The sample tools, one that changes something and is never answered, and one of an MCP server.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("cosmo-tools-");
        private readonly ConcurrentQueue<string> _keys = [];
        private readonly TaskCompletionSource _isAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private HttpStub _notes = null!;

        internal CosmoStack Stack { get; private set; } = null!;

        internal McpStub Mcp { get; private set; } = null!;

        /// <summary>When the first note was to be added.</summary>
        internal Task NoteIsAsked => _isAsked.Task;

        /// <summary>The key of each time.</summary>
        internal IReadOnlyCollection<string> NoteKeys => _keys;

        public async ValueTask InitializeAsync()
        {
            _notes = await HttpStub.StartAsync(async context =>
            {
                _keys.Enqueue(context.Request.Headers["Idempotency-Key"].ToString());
                _isAsked.TrySetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            });
            Mcp = await McpStub.StartAsync();
            Mcp.Tools = """[{ "name": "find_customer", "description": "Finds a customer.", "inputSchema": { "type": "object", "properties": { "code": { "type": "string", "pattern": "^C[0-9]+$" } }, "required": ["code"] } }]""";
            Mcp.Call = (call, _) => Task.FromResult(McpStub.Text($$"""{"customer":"{{call.Arguments!["code"]}} is Ana Reyes"}"""));
            foreach (var sample in Directory.GetFiles(SampleSources.ToolsFolder))
            {
                File.Copy(sample, Path.Combine(_tools.FullName, Path.GetFileName(sample)));
            }

            await File.WriteAllTextAsync(Path.Combine(_tools.FullName, "add_note.json"), AddNote);
            await File.WriteAllTextAsync(Path.Combine(_tools.FullName, "crm.json"), """{ "mcp": { "url": "%CRM_MCP_URL%", "tools": ["find_customer"] }, "allow_private": true }""");
            Stack = await CosmoStack.CreateAsync(CosmoStack.Patient);
            Stack.Set("TOOLS_PATH", _tools.FullName);
            Stack.Set("EXCHANGE_RATES_URL", new Uri(Stack.Backends.Url, "/rates").AbsoluteUri);
            Stack.Set("X_API_KEY", "a-key-that-is-marked");
            Stack.Set("NOTES_URL", _notes.Url.ToString().TrimEnd('/'));
            Stack.Set("CRM_MCP_URL", Mcp.Url.ToString());
            Stack.Set("Cosmo:Tools:McpRefreshSeconds", "1");
            await Stack.StartFunctionsAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Stack.DisposeAsync();
            await Mcp.DisposeAsync();
            await _notes.DisposeAsync();
            _tools.Delete(recursive: true);
        }
    }
}
