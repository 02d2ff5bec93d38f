using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Tools.Files;

/// <summary>A tool that is a file, against a server of its own.</summary>
public sealed class HttpToolTests : IAsyncDisposable
{
    private const string Parameters = """
        { "type": "object",
          "properties": {
            "from": { "type": "string", "pattern": "^[A-Z]{3}$" },
            "to": { "type": "string" },
            "amount": { "type": ["number", "null"], "minimum": 1 } },
          "required": ["from", "to"],
          "additionalProperties": false }
        """;

    private const string Rate = """{"from":"USD","to":"PHP"}""";
    private const string Secret = "s3cr3t & more";

    private HttpStub _service = null!;
    private ToolSetup? _setup;

    public async ValueTask DisposeAsync()
    {
        await (_setup?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task A_request_is_made_of_the_file_and_the_arguments_and_its_result_is_found_by_the_pointer()
    {
        string? key = null;
        await StartAsync(
            """ "url": "%RATES_URL%/v1/{from}/{to}", "query": { "precision": "4", "amount": "{amount}" }, "headers": { "x-api-key": "%RATES_API_KEY%" }, "result": "/data/rates/0" """,
            context =>
            {
                key = context.Request.Headers["x-api-key"];
                return context.Response.WriteAsync("""{"data":{"rates":[58.42]}}""");
            });

        (await RunAsync("""{"from":"USD","to":"ñ &?#","amount":2.5}""")).ShouldBe("""{"result":58.42}""");
        (await RunAsync("""{"from":"USD","to":"PHP","amount":null}""")).ShouldBe("""{"result":58.42}""");

        _service.Requests.ShouldBe(["/v1/USD/%C3%B1%20%26%3F%23?precision=4&amount=2.5", "/v1/USD/PHP?precision=4"]);
        key.ShouldBe(Secret);
    }

    [Theory]
    [InlineData("""{"from":"usd","to":"PHP"}""", "The argument 'from' must match ^[A-Z]{3}$.")]
    [InlineData("""{"from":"USD\n","to":"PHP"}""", "must match")]
    [InlineData("""{"from":"USD"}""", "The argument 'to' is required.")]
    [InlineData("""{"from":"USD","to":"PHP","x":1}""", "Unknown argument 'x'. The arguments are: from, to, amount.")]
    [InlineData("""{"from":"USD","to":"PHP","amount":0}""", "The argument 'amount' must be at least 1.")]
    [InlineData("""{"from":"USD","to":""}""", "must not be empty")]
    [InlineData("""{"from":"USD","to":".."}""", "another place")]
    [InlineData("""{"from":"USD","to":"."}""", "another place")]
    [InlineData("""{"from":"USD","to":"a/../../admin"}""", "must not hold a slash")]
    [InlineData("""{"from":"USD","to":"..\\admin"}""", "must not hold a slash")]
    public async Task Arguments_that_are_wrong_or_would_climb_are_explained_and_nothing_is_asked(string arguments, string explanation)
    {
        await StartAsync(""" "url": "%RATES_URL%/v1/{from}/{to}" """, _ => Task.CompletedTask);

        JsonNode.Parse(await RunAsync(arguments))!["error"]!.GetValue<string>().ShouldContain(explanation);

        _service.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_looks_encoded_already_is_encoded_once_more()
    {
        await StartAsync(""" "url": "%RATES_URL%/v1/{from}/{to}" """, context => context.Response.WriteAsync("{}"));

        await RunAsync("""{"from":"USD","to":"%2e%2e%2fadmin"}""");

        _service.Requests.ShouldBe(["/v1/USD/%252e%252e%252fadmin"]);
    }

    [Fact]
    public async Task A_body_holds_arguments_as_JSON_and_a_call_that_is_no_GET_has_its_key()
    {
        string? body = null;
        string? key = null;
        await StartAsync(
            """ "method": "POST", "url": "%RATES_URL%/orders", "body": { "pair": ["{from}", "{to}"], "amount": "{amount}", "note": "From {from}: {to}", "kind": null, "now": true } """,
            async context =>
            {
                body = await new StreamReader(context.Request.Body).ReadToEndAsync();
                key = context.Request.Headers["Idempotency-Key"];
                await context.Response.WriteAsync("""{"id":7}""");
            });

        (await RunAsync("""{"from":"USD","to":"\"},{\"x\":\"ñ","amount":2.50}""")).ShouldBe("""{"id":7}""");
        body.ShouldBe("""{"pair":["USD","\"},{\"x\":\"ñ"],"amount":2.50,"note":"From USD: \"},{\"x\":\"ñ","kind":null,"now":true}""");
        key.ShouldBe("call_1");

        await RunAsync(Rate);
        body.ShouldBe("""{"pair":["USD","PHP"],"note":"From USD: PHP","kind":null,"now":true}""");
    }

    [Theory]
    [InlineData("GET", null, 3)]
    [InlineData("POST", null, 1)]
    [InlineData("POST", true, 3)]
    [InlineData("GET", false, 1)]
    public async Task Only_a_call_that_changes_nothing_is_repeated(string method, bool? readOnly, int requests)
    {
        await StartAsync(
            $$""" "method": "{{method}}", "url": "%RATES_URL%/x" """,
            context =>
            {
                context.Response.StatusCode = 503;
                return Task.CompletedTask;
            },
            readOnly is null ? "" : $$""", "read_only": {{readOnly.ToString()!.ToLowerInvariant()}} """);

        var output = await RunAsync(Rate);

        output.ShouldContain("The service of get_rate has a problem right now.");
        output.Contains("outcome is unknown", StringComparison.Ordinal).ShouldBe(requests == 1);
        _service.Requests.Count.ShouldBe(requests);
    }

    [Fact]
    public async Task What_a_setting_holds_reaches_neither_the_model_nor_the_log_also_when_the_service_says_it()
    {
        var status = 200;
        await StartAsync(
            """ "url": "%RATES_URL%/{from}", "headers": { "x-api-key": "%RATES_API_KEY%" } """,
            context =>
            {
                context.Response.StatusCode = status;
                return context.Response.WriteAsync($$"""{"you sent {{Secret}}":["{{Secret}}",{"url":"{{_service.Url}}?key={{Uri.EscapeDataString(Secret)}}"}],"ok":1}""");
            });

        var port = $"{_service.Url.Port}";
        var outputs = await RunAsync(Rate);
        status = 500;
        outputs += await RunAsync(Rate);
        await _service.DisposeAsync();
        outputs += await RunAsync(Rate);

        outputs.ShouldContain("\"ok\":1");
        outputs.ShouldContain("cannot be reached");
        foreach (var text in (string[])[outputs, _setup!.Logs.Text])
        {
            text.ShouldNotContain("s3cr3t");
            text.ShouldNotContain(port);
        }
    }

    [Theory]
    [InlineData("/here", "/here")]
    [InlineData("http://elsewhere.invalid/", null)]
    [InlineData("//elsewhere.invalid/", null)]
    [InlineData("https://127.0.0.1/", null)]
    public async Task Redirects_are_followed_within_the_host_alone(string target, string? followed)
    {
        await StartAsync(
            """ "url": "%RATES_URL%/there", "headers": { "x-api-key": "%RATES_API_KEY%" } """,
            context =>
            {
                if (context.Request.Path == "/here")
                {
                    return context.Response.WriteAsync($$"""{"has_key":{{(context.Request.Headers["x-api-key"] == Secret).ToString().ToLowerInvariant()}}}""");
                }

                context.Response.Redirect(target);
                return Task.CompletedTask;
            });

        (await RunAsync(Rate)).ShouldBe(followed is null ? """{"error":"The service of get_rate refused the request (status 302)."}""" : """{"has_key":true}""");
        _service.Requests.ShouldBe(followed is null ? ["/there"] : ["/there", followed]);
    }

    [Fact]
    public async Task Redirects_without_end_are_ended()
    {
        await StartAsync(
            """ "url": "%RATES_URL%/round" """,
            context =>
            {
                context.Response.Redirect("/round");
                return Task.CompletedTask;
            });

        (await RunAsync(Rate)).ShouldContain("refused");
        _service.Requests.Count.ShouldBe(4);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("2130706433")]
    [InlineData("0x7f.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.1")]
    [InlineData("0.0.0.0")]
    [InlineData("[::1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("169.254.169.254")]
    [InlineData("10.0.0.1")]
    [InlineData("[fd00::1]")]
    [InlineData("[fe80::1]")]
    [InlineData("[64:ff9b::a00:1]")]
    public async Task A_private_address_is_refused_when_it_is_connected_to(string host)
    {
        await StartAsync($$""" "url": "http://{{host}}:%RATES_PORT%/x" """, context => context.Response.WriteAsync("{}"), isPrivate: false);

        (await RunAsync(Rate)).ShouldContain("is at an address that Cosmo may not connect to");

        _service.Requests.ShouldBeEmpty();
        _setup!.Logs.Text.ShouldContain("a private address");
    }

    [Fact]
    public async Task A_name_that_leads_to_a_private_address_at_the_second_look_up_leads_nowhere()
    {
        // Who looked a name up again to connect would come to the service, whether it asks the test or the system.
        await StartAsync(""" "url": "http://localhost:%RATES_PORT%/x" """, context => context.Response.WriteAsync("{}"), isPrivate: false);
        _setup!.ChangeNames();

        (await RunAsync(Rate)).ShouldContain("is at an address that Cosmo may not connect to");

        _service.Requests.ShouldBeEmpty();
        _setup.Logs.Text.ShouldContain("(try 2): a private address");
    }

    [Theory]
    [InlineData("not JSON", "", """{"result":"not JSON"}""")]
    [InlineData("", "", """{"result":"done"}""")]
    [InlineData("[1,2]", "", """{"result":[1,2]}""")]
    [InlineData("null", "", """{"result":null}""")]
    [InlineData("""{"a~/b":{"c":true}}""", "/a~0~1b/c", """{"result":true}""")]
    [InlineData("not JSON", "/a", """{"error":"The answer of the service of get_rate could not be read."}""")]
    [InlineData("""{"b":1}""", "/a", """{"error":"The answer of the service of get_rate could not be read."}""")]
    [InlineData("""[1]""", "/1", """{"error":"The answer of the service of get_rate could not be read."}""")]
    public async Task An_answer_of_any_form_is_told_or_said_to_be_unreadable(string answer, string place, string output)
    {
        await StartAsync($$""" "url": "%RATES_URL%/x", "result": "{{place}}" """, context => context.Response.WriteAsync(answer));

        (await RunAsync(Rate)).ShouldBe(output);
    }

    [Theory]
    [InlineData(404, "Nothing was found for these arguments.")]
    [InlineData(403, "does not accept Cosmo's key")]
    [InlineData(422, "refused the request (status 422)")]
    public async Task A_status_becomes_a_sentence(int status, string sentence)
    {
        await StartAsync(
            """ "url": "%RATES_URL%/x" """,
            context =>
            {
                context.Response.StatusCode = status;
                return Task.CompletedTask;
            });

        (await RunAsync(Rate)).ShouldContain(sentence);
    }

    [Fact]
    public async Task An_answer_without_end_is_not_read_to_its_end()
    {
        var page = new byte[65_536];
        await StartAsync(
            """ "url": "%RATES_URL%/x" """,
            async context =>
            {
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.Body.WriteAsync(page);
                }
            });

        (await RunAsync(Rate)).ShouldContain("too large");
    }

    [Fact]
    public async Task The_files_own_time_limit_holds()
    {
        var asked = new TaskCompletionSource();
        await StartAsync(
            """ "url": "%RATES_URL%/x" """,
            async context =>
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            },
            """, "timeout_seconds": 60 """);
        var running = RunAsync(Rate);
        await asked.Task;

        _setup!.Time.Advance(TimeSpan.FromSeconds(59));
        running.IsCompleted.ShouldBeFalse();
        _setup.Time.Advance(TimeSpan.FromSeconds(1));

        (await running).ShouldContain("error");
    }

    [Theory]
    [InlineData("", false, true)]
    [InlineData(""", "roles": ["anyone"] """, true, true)]
    [InlineData(""", "roles": ["analyst"] """, false, false)]
    public async Task The_files_roles_say_who_may_have_it_used(string roles, bool stranger, bool user)
    {
        await StartAsync(""" "url": "%RATES_URL%/x" """, _ => Task.CompletedTask, roles);

        bool IsOffered(Caller caller) => _setup!.Toolbox.AvailableTo(caller).Any(tool => tool.Name == "get_rate");
        (IsOffered(Caller.Anonymous), IsOffered(new Caller("u", [])), IsOffered(new Caller("u", ["analyst"]))).ShouldBe((stranger, user, true));
    }

    [Fact]
    public async Task A_file_says_that_its_tool_needs_approval_and_a_stranger_has_no_such_tool()
    {
        await StartAsync(""" "url": "%RATES_URL%/x" """, _ => Task.CompletedTask, """, "approval": true, "roles": ["anyone"] """);

        var toolbox = _setup!.Toolbox;
        toolbox.NeedsApproval("get_rate", new Caller("ana", [])).ShouldBeTrue();
        toolbox.NeedsApproval("get_rate", Caller.TrustedProducer).ShouldBeTrue();
        toolbox.NeedsApproval("get_weather", Caller.TrustedProducer).ShouldBeFalse();
        toolbox.AvailableTo(Caller.Anonymous).ShouldNotContain(tool => tool.Name == "get_rate");
    }

    private async Task StartAsync(string http, Func<HttpContext, Task> answer, string rest = "", bool isPrivate = true)
    {
        _service = await HttpStub.StartAsync(answer);
        _setup = ToolSetup.Of(
            "get_rate",
            $$"""{ "name": "get_rate", "description": "A rate.", "parameters": {{Parameters}}, "http": { {{http}} }, "allow_private": {{(isPrivate ? "true" : "false")}} {{rest}} }""",
            ("RATES_URL", _service.Url.ToString().TrimEnd('/')),
            ("RATES_PORT", $"{_service.Url.Port}"),
            ("RATES_API_KEY", Secret));
    }

    private Task<string> RunAsync(string arguments) => _setup!.RunAsync("get_rate", arguments);
}
