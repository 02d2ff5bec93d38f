using System.Diagnostics;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools.Files;

/// <summary>The tools of an MCP server that a file names, against a server of the official package.</summary>
public sealed class McpToolTests : IAsyncDisposable
{
    private const string FindCustomer = """
        { "name": "find_customer", "description": "Finds a customer.", "annotations": { "readOnlyHint": true },
          "inputSchema": { "type": "object", "properties": { "name": { "type": "string", "pattern": "^[a-z]+$" } }, "required": ["name"] } }
        """;

    private const string AddNote = """{ "name": "add_note", "description": "Adds a note.", "inputSchema": { "type": "object", "properties": { "text": { "$ref": "#/$defs/Note" } }, "$defs": { "Note": { "type": "string", "maxLength": 5 } } } }""";

    private McpStub _server = null!;
    private ToolSetup? _setup;

    public async ValueTask DisposeAsync()
    {
        await (_setup?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_listed_tools_of_the_server_are_offered_with_what_it_says_of_them()
    {
        await StartAsync($"[{AddNote}, {FindCustomer}, {FindCustomer.Replace("find_customer", "delete_all")}]");
        await _setup!.Logs.WaitForAsync("offers 2 of its 2 tools", TestContext.Current.CancellationToken);

        var offered = _setup.Toolbox.AvailableTo(new Caller("u", []));
        offered.Select(tool => (tool.Name, tool.Description, tool.IsReadOnly, tool.IsStrict)).ShouldBe([("add_note", "Adds a note.", false, false), ("find_customer", "Finds a customer.", true, false)]);
        offered[1].Parameters["properties"]!["name"]!["pattern"]!.GetValue<string>().ShouldBe("^[a-z]+$");
        _setup.Toolbox.AvailableTo(Caller.Anonymous).ShouldBeEmpty();
        (await _setup.RunAsync("delete_all", "{}")).ShouldContain("There is no such tool");
    }

    [Fact]
    public async Task A_call_goes_to_the_server_with_its_arguments_and_the_files_headers()
    {
        await StartAsync($"[{FindCustomer}]");
        await OfferedAsync();
        _server.Call = (call, _) => Task.FromResult(McpStub.Text($$"""{"found":"{{call.Arguments!["name"]}}","key":"s3cr3t-key"}"""));

        (await _setup!.RunAsync("find_customer", """{"name":"ana"}""")).ShouldBe("""{"found":"ana","key":"(hidden)"}""");

        _server.Messages.Where(message => message.Method == "POST").ShouldAllBe(message => message.Headers["x-api-key"] == "s3cr3t-key");
        _server.Messages.ShouldAllBe(message => !message.Headers.ContainsKey("Idempotency-Key"));
        _setup.Logs.Text.ShouldNotContain("s3cr3t-key");
    }

    [Theory]
    [InlineData("find_customer", """{"name":"ANA"}""", "The argument 'name' must match ^[a-z]+$.")]
    [InlineData("find_customer", "{}", "The argument 'name' is required.")]
    [InlineData("add_note", """{"text":"too long"}""", "The argument 'text' must have at most 5 characters.")]
    public async Task Arguments_are_checked_before_the_server_sees_them(string tool, string arguments, string explanation)
    {
        await StartAsync($"[{FindCustomer}, {AddNote}]");
        await OfferedAsync();
        _server.Call = (_, _) => throw new InvalidOperationException();

        JsonNode.Parse(await _setup!.RunAsync(tool, arguments))!["error"]!.GetValue<string>().ShouldBe(explanation);
    }

    [Fact]
    public async Task A_call_that_may_change_something_has_its_key()
    {
        await StartAsync($"[{AddNote}]");
        await OfferedAsync();

        (await _setup!.RunAsync("add_note", """{"text":"hi"}""")).ShouldBe("""{"result":"called add_note"}""");

        _server.Messages.ShouldContain(message => message.Headers["Idempotency-Key"] == "call_1");
        _setup.Toolbox.MayRepeat("add_note").ShouldBeFalse();
    }

    [Fact]
    public async Task An_error_of_the_tool_is_told_to_the_model()
    {
        await StartAsync($"[{FindCustomer}]");
        await OfferedAsync();
        _server.Call = (_, _) =>
        {
            var result = McpStub.Text("No such customer.");
            result.IsError = true;
            return Task.FromResult(result);
        };

        (await _setup!.RunAsync("find_customer", """{"name":"ana"}""")).ShouldBe("""{"error":"No such customer."}""");
    }

    [Fact]
    public async Task Odd_schemas_and_long_descriptions_cost_no_more_than_themselves()
    {
        var large = FindCustomer.Replace("\"pattern\"", $"\"title\": \"{new string('x', 20_000)}\", \"pattern\"");
        await StartAsync($"[{AddNote.Replace("Adds a note.", new string('x', 5_000))}, {large}]");

        await _setup!.Logs.WaitForAsync("find_customer of the MCP server of crm is left out: its schema has more than 16384 bytes", TestContext.Current.CancellationToken);
        await OfferedAsync();
        _setup.Toolbox.AvailableTo(new Caller("u", [])).ShouldHaveSingleItem().Description.Length.ShouldBe(1024);
    }

    [Theory]
    [InlineData("""{"type":"string"}""", "its schema is not that of an object")]
    [InlineData("[]", "its schema is not that of an object")]
    [InlineData("null", "its schema is not that of an object")]
    [InlineData("""{"type":"object","type":"string"}""", "its schema cannot be read")]
    [InlineData("""{"type":"object","properties":{"a":{},"a":{}}}""", "its schema cannot be read")]
    [InlineData("""{"type":"object","title":"s3cr3t-key"}""", "its schema has what a setting holds")]
    [InlineData("""{"type":"object"},"inputSchema":5""", "its schema is not that of an object")]
    public async Task A_schema_that_is_no_object_is_left_out_and_the_others_are_offered(string schema, string reason)
    {
        await StartAsync(
            $"""[{FindCustomer}, {AddNote.Replace("\"maxLength\": 5", "\"title\": \"ODD\"")}]""",
            before: server => server.Rewrite = text => System.Text.RegularExpressions.Regex.Replace(text, """\{"type":"object","properties":\{"text".*ODD"\}\}\}""", schema));

        await _setup!.Logs.WaitForAsync($"The tool add_note of the MCP server of crm is left out: {reason}", TestContext.Current.CancellationToken);
        await OfferedAsync();
        _setup.Toolbox.AvailableTo(new Caller("u", [])).ShouldHaveSingleItem().Name.ShouldBe("find_customer");
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"name":{"$ref":"#/properties/name"}}}""", "nested too deeply")]
    [InlineData("""{"type":"object","properties":{"name":{"anyOf":[{"$ref":"#/properties/name"},{"$ref":"#/properties/name"}]}}}""", "nested too deeply")]
    [InlineData("""{"type":"object","properties":{"name":{"type":"string","pattern":"^(a+)+$"}}}""", "must match")]
    [InlineData("""{"type":"object","properties":{"name":{"pattern":"(","minLength":"x","$ref":5,"enum":7}},"required":[1,null]}""", "called find_customer")]
    public async Task A_schema_that_means_harm_does_none(string schema, string output)
    {
        await StartAsync($$"""[{ "name": "find_customer", "inputSchema": {{schema}} }]""");
        await OfferedAsync();

        (await _setup!.RunAsync("find_customer", $$"""{"name":"{{new string('a', 40)}}!"}""")).ShouldContain(output);
    }

    [Fact]
    public async Task A_server_that_is_away_at_the_start_or_later_costs_its_tools_alone()
    {
        await StartAsync($"[{FindCustomer}]", before: server => server.Status = 503);
        await _setup!.Logs.WaitForAsync("is away", TestContext.Current.CancellationToken);
        _setup.Toolbox.AvailableTo(new Caller("u", [])).ShouldBeEmpty();
        (await _setup.RunAsync("find_customer", """{"name":"ana"}""")).ShouldContain("cannot be reached right now");

        _server.Status = null;
        await OfferedAsync();
        _server.Status = 503;
        (await _setup.RunAsync("find_customer", """{"name":"ana"}""")).ShouldContain("cannot be reached right now");
        await GoneAsync();

        _server.Status = null;
        await OfferedAsync();
        (await _setup.RunAsync("find_customer", """{"name":"ana"}""")).ShouldBe("""{"result":"called find_customer"}""");
    }

    [Fact]
    public async Task A_server_that_comes_back_as_a_new_process_is_found_again()
    {
        await StartAsync($"[{FindCustomer}]");
        await OfferedAsync();
        var port = _server.Url.Port;
        await _server.DisposeAsync();
        (await _setup!.RunAsync("find_customer", """{"name":"ana"}""")).ShouldContain("cannot be reached right now");
        await GoneAsync();

        _server = await McpStub.StartAsync(port);
        _server.Tools = $"[{FindCustomer}]";
        await OfferedAsync();
        (await _setup.RunAsync("find_customer", """{"name":"ana"}""")).ShouldBe("""{"result":"called find_customer"}""");
    }

    [Fact]
    public async Task Its_list_is_asked_for_again_after_the_interval()
    {
        await StartAsync($"[{FindCustomer}]");
        await OfferedAsync();
        _server.Tools = "[]";
        var before = _server.Messages.Count(message => message.Method == "tools/list");

        // With its jitter an interval of 300 seconds is 240 to 360.
        await _setup!.Time.TimerSetForAsync(TimeSpan.FromSeconds(240), TimeSpan.FromSeconds(360));
        _setup.Time.Advance(TimeSpan.FromSeconds(239));
        _server.Messages.Count(message => message.Method == "tools/list").ShouldBe(before);
        _setup.Time.Advance(TimeSpan.FromSeconds(121));

        await GoneAsync();
    }

    [Fact]
    public async Task A_call_that_takes_too_long_is_ended()
    {
        await StartAsync($"[{AddNote}]");
        await OfferedAsync();
        var called = new TaskCompletionSource();
        _server.Call = async (_, cancellation) =>
        {
            called.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return McpStub.Text("");
        };
        var running = _setup!.RunAsync("add_note", "{}");
        await called.Task;

        _setup.Time.Advance(TimeSpan.FromSeconds(20));

        (await running).ShouldContain("took too long and was stopped. The outcome is unknown");
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read_to_its_end()
    {
        await StartAsync($"[{FindCustomer}]");
        await OfferedAsync();
        _server.Call = (_, _) => Task.FromResult(McpStub.Text(new string('x', 6_000_000)));

        (await _setup!.RunAsync("find_customer", """{"name":"ana"}""")).ShouldContain("error");
    }

    [Fact]
    public async Task A_private_address_is_refused_unless_the_file_allows_it()
    {
        await StartAsync($"[{FindCustomer}]", isPrivate: false);

        await _setup!.Logs.WaitForAsync("a private address, which the file does not allow", TestContext.Current.CancellationToken);

        _server.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_name_that_leads_to_a_private_address_at_the_second_look_up_leads_nowhere()
    {
        await StartAsync($"[{FindCustomer}]", isPrivate: false, isStarted: false, host: "localhost");
        _setup!.ChangeNames();

        await _setup.StartAsync();

        // The third ends the second try, which is the first that finds the private address.
        await UntilAsync(() => _setup.LookUps >= 3 || !_server.Messages.IsEmpty, isWaiting: false);

        _server.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_name_that_a_tool_in_code_has_stops_the_start()
    {
        await StartAsync("[]", tools: "\"get_weather\"", isStarted: false);

        Should.Throw<OptionsValidationException>(() => _setup!.Toolbox).Message.ShouldContain("2 tools have the name get_weather");
    }

    [Theory]
    [InlineData(""" "url": "%NO_SUCH_SETTING%", "tools": ["a"] """, "crm.json:1: mcp.url names the setting NO_SUCH_SETTING")]
    [InlineData(""" "url": "https://{host}/", "tools": ["a"] """, "crm.json:1: mcp.url must be an http or https address")]
    [InlineData(""" "url": "https://x.example/" """, "mcp.tools must be a list of the tools")]
    [InlineData(""" "url": "https://x.example/", "tools": ["no spaces"] """, "mcp.tools must be a list of the tools")]
    [InlineData(""" "url": "https://x.example/", "tools": ["a"], "method": "GET" """, "mcp.method is not known")]
    public async Task What_is_wrong_with_a_file_is_told(string mcp, string fault)
    {
        _server = await McpStub.StartAsync();
        _setup = ToolSetup.Of("crm", $$"""{ "mcp": { {{mcp}} } }""");

        _setup.ErrorsOf<ToolOptions>().ShouldContain(fault);
    }

    private async Task StartAsync(
        string listed, Action<McpStub>? before = null, string tools = "\"find_customer\", \"add_note\"", bool isPrivate = true, bool isStarted = true, string host = "127.0.0.1")
    {
        _server = await McpStub.StartAsync();
        _server.Tools = listed;
        before?.Invoke(_server);
        _setup = ToolSetup.Of(
            "crm",
            $$"""{ "mcp": { "url": "%CRM_MCP_URL%", "headers": { "x-api-key": "%CRM_KEY%" }, "tools": [{{tools}}] }, "allow_private": {{(isPrivate ? "true" : "false")}} }""",
            ("CRM_MCP_URL", new UriBuilder(_server.Url) { Host = host }.Uri.ToString()),
            ("CRM_KEY", "s3cr3t-key"));
        if (isStarted)
        {
            await _setup.StartAsync();
        }
    }

    private Task OfferedAsync() => UntilAsync(() => Offered > 0, isWaiting: true);

    private Task GoneAsync() => UntilAsync(() => Offered == 0, isWaiting: false);

    private int Offered => _setup!.Toolbox.AvailableTo(new Caller("u", [])).Count;

    /// <param name="isWaiting">Whether the waits between two tries are to go by: they are longer than the clock skips by itself. A try that is under way has half a second of the system's clock before.</param>
    private async Task UntilAsync(Func<bool> isSo, bool isWaiting)
    {
        var begun = Stopwatch.GetTimestamp();
        for (var look = 1; !isSo(); look++)
        {
            Stopwatch.GetElapsedTime(begun).ShouldBeLessThan(TimeSpan.FromSeconds(30), $"{Offered} tools are offered. The log:\n{_setup!.Logs.Text}");
            _setup!.Time.Advance(TimeSpan.FromSeconds(isWaiting && look % 25 == 0 ? 10 : 0));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
