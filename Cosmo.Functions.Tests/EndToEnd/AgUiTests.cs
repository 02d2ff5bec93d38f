using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Local.WebPubSub;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The stock AG-UI client at the whole app. Its own verification runs over every stream.</summary>
public sealed class AgUiTests(AgUiTests.Fixture fixture) : IClassFixture<AgUiTests.Fixture>
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _thread = $"team/{Guid.NewGuid():n}%";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_question_is_answered_with_its_tool_and_the_next_one_in_the_same_thread()
    {
        await using var node = await OpenAsync("one");
        await SayAsync(node, "one", "Weather in Makati?");

        var run = await RunAsync(node, "one", "run-1");

        Types(run).Where(type => type != "CUSTOM").Distinct().ShouldBe(
            ["RUN_STARTED", "TOOL_CALL_START", "TOOL_CALL_END", "TOOL_CALL_RESULT", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED"]);
        Statuses(run).ShouldBe(["started", "processing", "responding"]);
        run["events"]![0]!["threadId"]!.GetValue<string>().ShouldBe(_thread);
        Last(run)["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
        Last(run)["usage"]![0]!["outputTokens"]!.GetValue<long>().ShouldBeGreaterThan(0);
        Text(run).ShouldContain("°C");
        Text(run).ShouldBe(await AnswerAsync("run-1"));
        Roles(run).ShouldBe(["user", "assistant", "tool", "assistant"]);

        await SayAsync(node, "one", "Hello");
        var next = await RunAsync(node, "one", "run-2");

        Text(next).ShouldBe(await AnswerAsync("run-2"));
        Types(next).ShouldNotContain("TOOL_CALL_START");
    }

    [Fact]
    public async Task An_answer_that_fails_is_a_run_error_with_its_sentence()
    {
        var question = $"fail {_thread}";
        await _stack.FaultAsync($$"""[{ "userText": "{{question}}", "status": 400, "times": 9 }]""");
        await using var node = await OpenAsync("one");
        await SayAsync(node, "one", question);

        var run = await RunAsync(node, "one", "run-1");

        Last(run).ToJsonString().ShouldSatisfyAllConditions(
            it => it.ShouldContain("\"type\":\"RUN_ERROR\""), it => it.ShouldContain("\"code\":\"error\""), it => it.ShouldContain("There was an issue with your request format."));
        (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-message-id"].ShouldBe("run-1");
        var again = await RunAsync(node, "one", "run-1");
        Last(again)["type"]!.GetValue<string>().ShouldBe("RUN_ERROR");
        (await _stack.RequestsAsync(question)).Count(request => request["path"]!.GetValue<string>().EndsWith("/responses", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task Who_leaves_does_not_stop_the_answer_and_finds_it_again_whole_in_its_middle_and_at_its_end()
    {
        var question = await LongAsync(120);
        await using var node = await OpenAsync("one");
        await SayAsync(node, "one", question);
        await node.RunAsync("begin", new { name = "one", runId = "run-1" });
        await node.RunAsync("heard", new { name = "one", length = 60 });
        await node.RunAsync("abort", new { name = "one" });
        var left = await EndAsync(node, "one");
        while (await ListenersAsync() > 0)
        {
            await Task.Delay(20, Cancellation);
        }

        (await _stack.Redis.RunAsync(database => database.HashExistsAsync(new UpdateLog(_stack.Redis, Options.Create(new DeliveryOptions()), TimeProvider.System).FenceKey(new(_thread, "run-1", 1)), "final"), Cancellation))
            .ShouldBeFalse("The worker heard that its client left only when the answer was over.");

        // A page that was loaded again, and the very agent that has the beginning.
        await OpenAsync(node, "two");
        await SayAsync(node, "two", question);
        await node.RunAsync("begin", new { name = "two", runId = "run-1" });
        var again = await RunAsync(node, "one", "run-1");
        var other = await EndAsync(node, "two");

        left["error"].ShouldBeNull();
        Types(left).ShouldNotContain("RUN_FINISHED");
        var answer = await AnswerAsync("run-1");
        Text(other).ShouldBe(answer);
        Deltas(other)[0].Length.ShouldBeGreaterThanOrEqualTo(Text(left).Length);
        Deltas(other).Count.ShouldBeGreaterThan(2);
        again["messages"]!.AsArray().Where(message => message!["role"]!.GetValue<string>() == "assistant").Select(message => message!["content"]!.GetValue<string>()).ShouldBe([answer]);
        Last(other)["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");

        await OpenAsync(node, "three");
        await SayAsync(node, "three", question);
        var ended = await RunAsync(node, "three", "run-1");
        Text(ended).ShouldBe(answer);
        Deltas(ended).Count.ShouldBe(1);
        (await _stack.RequestsAsync(question)).Count(request => request["path"]!.GetValue<string>().EndsWith("/responses", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_message_that_is_cancelled_ends_its_run_as_that_with_the_text_so_far()
    {
        var question = await LongAsync(400);
        await using var node = await OpenAsync("one");
        await SayAsync(node, "one", question);
        await node.RunAsync("begin", new { name = "one", runId = "run-1" });
        await node.RunAsync("heard", new { name = "one", length = 40 });

        using var cancel = await _stack.Http.PostAsync($"channels/{RouteName.Write(_thread)}/messages/run-1/cancel", null, Cancellation);
        var run = await EndAsync(node, "one");

        cancel.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        Last(run)["outcome"]!["type"]!.GetValue<string>().ShouldBe("cancelled");
        Text(run).Length.ShouldBeGreaterThanOrEqualTo(40);
    }

    [Theory]
    [InlineData(true, "done")]
    [InlineData(false, "refused")]
    public async Task A_call_that_waits_for_a_person_ends_the_run_and_the_next_one_decides_on_it(bool isApproved, string end)
    {
        var question = $"note {_thread}";
        await _stack.ScriptAsync($$"""
            [{ "userText": "{{question}}", "text": "Let me see.", "calls": [{ "name": "add_note", "arguments": { "text": "Buy milk" } }] }, { "userText": "{{question}}", "text": "So be it." }]
            """);
        await using var node = await OpenAsync("one", "ana");
        await SayAsync(node, "one", question);

        var run = await RunAsync(node, "one", "run-1");

        var interrupt = run["interrupts"]!.AsArray().ShouldHaveSingleItem()!;
        Last(run)["outcome"]!["type"]!.GetValue<string>().ShouldBe("interrupt");
        interrupt["toolCallId"]!.GetValue<string>().ShouldBe(interrupt["id"]!.GetValue<string>());
        (interrupt["expiresAt"]!.GetValue<DateTimeOffset>() - TimeProvider.System.GetUtcNow()).ShouldBeInRange(TimeSpan.FromMinutes(8), TimeSpan.FromMinutes(11));
        Events(run, "TOOL_CALL_ARGS").Single()["delta"]!.GetValue<string>().ShouldBe("""{"text":"Buy milk"}""");

        object resume = isApproved
            ? new { interruptId = interrupt["id"]!.GetValue<string>(), status = "resolved", payload = new { approved = true, reason = "Good." } }
            : new { interruptId = interrupt["id"]!.GetValue<string>(), status = "cancelled" };
        var resumed = await RunAsync(node, "one", "run-2", resume);

        Events(resumed, "RUN_FINISHED").Single()["runId"]!.GetValue<string>().ShouldBe("run-2");
        Last(resumed)["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
        JsonNode.Parse(Events(resumed, "TOOL_CALL_RESULT").Single()["content"]!.GetValue<string>())!["state"]!.GetValue<string>().ShouldBe(end);
        Events(resumed, "TOOL_CALL_START").ShouldBeEmpty();
        var texts = resumed["messages"]!.AsArray().Where(message => message!["role"]!.GetValue<string>() == "assistant" && message["content"] is not null).Select(message => message!["content"]!.GetValue<string>());
        string.Join("\n\n", texts.Where(text => text.Length > 0)).ShouldBe(await AnswerAsync("run-1"));

        // What decided is the same message still, and decides no more.
        await OpenAsync(node, "two", "ana");
        await SayAsync(node, "two", question);
        Text(await RunAsync(node, "two", "run-2")).ShouldBe(await AnswerAsync("run-1"));
        (await _stack.RequestsAsync(question)).Count(request => request["path"]!.GetValue<string>().EndsWith("/responses", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task A_run_that_waits_for_a_person_waits_again_for_who_comes_later()
    {
        var question = $"note {_thread}";
        await _stack.ScriptAsync($$"""
            [{ "userText": "{{question}}", "calls": [{ "name": "add_note", "arguments": { "text": "One" } }, { "name": "add_note", "arguments": { "text": "Two" } }] }, { "userText": "{{question}}", "text": "So be it." }]
            """);
        await using var node = await OpenAsync("one", "ana");
        await SayAsync(node, "one", question);
        await RunAsync(node, "one", "run-1");

        await OpenAsync(node, "two", "ana");
        await SayAsync(node, "two", question);
        var run = await RunAsync(node, "two", "run-1");
        var interrupts = run["interrupts"]!.AsArray();
        interrupts.Count.ShouldBe(2);
        var resumed = await RunAsync(node, "two", "run-2", [.. interrupts.Select(one => (object)new { interruptId = one!["id"]!.GetValue<string>(), status = "resolved", payload = new { approved = true } })]);

        Last(resumed)["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
        Events(resumed, "TOOL_CALL_RESULT").Count().ShouldBe(2);
    }

    [Theory]
    [InlineData("""{"runId": "r", "messages": []}""", 400)]
    [InlineData("""{"threadId": "t", "runId": "r", "messages": {}}""", 400)]
    [InlineData("""{"threadId": "t", "runId": "r", "messages": []}""", 400)]
    [InlineData("""{"threadId": "t", "runId": "r", "messages": [{"role": "user", "content": " "}]}""", 400)]
    [InlineData("""{"threadId": "t", "runId": "r", "messages": [], "resume": [{"interruptId": "i", "status": "resolved", "payload": {}}]}""", 400)]
    [InlineData("""{"threadId": "t", "runId": "r", "messages": [], "resume": [{"interruptId": "i", "status": "resolved", "payload": true}]}""", 401)]
    [InlineData("[]", 400)]
    [InlineData("", 400)]
    public async Task What_is_no_run_is_refused_with_a_sentence(string body, int status)
    {
        using var answer = await _stack.Http.PostAsync("agui", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);

        ((int)answer.StatusCode).ShouldBe(status);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["detail"]!.GetValue<string>().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_text_that_is_too_long_and_an_id_that_is_taken_are_refused()
    {
        using var longer = await PostAsync("run-1", new string('x', 32_001));
        using var first = await PostAsync("run-2", "Hello");
        using var taken = await PostAsync("run-2", "Hello again");
        using var unknown = await _stack.Http.PostAsJsonAsync(
            "agui", new { threadId = _thread, runId = "run-3", messages = Array.Empty<object>(), resume = new[] { new { interruptId = "call_1", status = "cancelled" } } }, Cancellation);

        (longer.StatusCode, first.StatusCode, taken.StatusCode).ShouldBe((HttpStatusCode.RequestEntityTooLarge, HttpStatusCode.OK, HttpStatusCode.Conflict));
        first.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        (first.Headers.CacheControl!.NoCache, first.Headers.GetValues("X-Accel-Buffering").Single()).ShouldBe((true, "no"));
    }

    [Fact]
    public async Task Parts_of_a_content_that_are_texts_are_the_question()
    {
        using var answer = await _stack.Http.PostAsJsonAsync(
            "agui",
            new { threadId = _thread, runId = "run-1", messages = new[] { new { id = "m", role = "user", content = new object[] { new { type = "text", text = "Hello" }, new { type = "image" }, new { type = "text", text = "you" } } } } },
            Cancellation);

        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain("RUN_FINISHED");
        var history = JsonNode.Parse(await _stack.Http.GetStringAsync($"channels/{RouteName.Write(_thread)}/messages", Cancellation))!["messages"]!.AsArray();
        history[1]!["text"]!.GetValue<string>().ShouldBe("Hello\nyou");
    }

    [Fact]
    public async Task What_the_agent_can_do_is_told()
    {
        var can = (await _stack.Http.GetFromJsonAsync<JsonObject>("agui/capabilities", Cancellation))!;

        (can["transport"]!["streaming"]!.GetValue<bool>(), can["humanInTheLoop"]!["interrupts"]!.GetValue<bool>(), can["tools"]!["clientProvided"]!.GetValue<bool>()).ShouldBe((true, true, false));
    }

    /// <summary>How many streams of the thread are open in any worker.</summary>
    private Task<long> ListenersAsync() => _stack.Redis.RunAsync(
        async database => (long)((StackExchange.Redis.RedisResult[])(await database.ExecuteAsync("PUBSUB", "NUMSUB", $"{_stack.RedisPrefix}said:{_thread}"))!)[1], Cancellation);

    private Task<HttpResponseMessage> PostAsync(string runId, string text) => _stack.Http.PostAsJsonAsync(
        "agui", new { threadId = _thread, runId, messages = new[] { new { id = "m", role = "user", content = text } } }, Cancellation);

    private async Task<string> LongAsync(int words)
    {
        var question = $"long {_thread}";
        await _stack.FaultAsync($$"""[{ "userText": "{{question}}", "longAnswer": {{words}}, "pace": 20 }]""");
        return question;
    }

    private async Task<NodeScript> OpenAsync(string name, string? user = null)
    {
        var node = await NodeScript.StartAsync("agui.mjs");
        await OpenAsync(node, name, user);
        return node;
    }

    private async Task OpenAsync(NodeScript node, string name, string? user = null)
    {
        string? token = null;
        if (user is not null)
        {
            using var answer = await _stack.Http.PostAsJsonAsync($"channels/{RouteName.Write(_thread)}/tokens", new { user = new { id = user } }, Cancellation);
            token = (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["token"]!.GetValue<string>();
        }

        await node.RunAsync("open", new { name, url = new Uri(_stack.Http.BaseAddress!, "agui"), threadId = _thread, token });
    }

    private static async Task SayAsync(NodeScript node, string name, string text) => await node.RunAsync("say", new { name, id = Guid.NewGuid().ToString(), text });

    private static async Task<JsonObject> RunAsync(NodeScript node, string name, string runId, params object[] resume) =>
        Read(await node.RunAsync("run", new { name, runId, resume = resume.Length > 0 ? resume : null }));

    private static async Task<JsonObject> EndAsync(NodeScript node, string name) => Read(await node.RunAsync("end", new { name }));

    private static JsonObject Read(JsonElement value)
    {
        var run = JsonObject.Create(value)!;
        run["warnings"]!.AsArray().Select(warning => warning!.GetValue<string>()).ShouldBeEmpty();
        run["error"].ShouldBeNull();
        return run;
    }

    private async Task<string> AnswerAsync(string messageId)
    {
        var page = JsonNode.Parse(await _stack.Http.GetStringAsync($"channels/{RouteName.Write(_thread)}/messages", Cancellation))!;
        return page["messages"]!.AsArray().Single(message => message!["message_id"]?.GetValue<string>() == messageId && message["role"]!.GetValue<string>() == "assistant")!["text"]!.GetValue<string>();
    }

    private static List<string> Types(JsonObject run) => [.. run["events"]!.AsArray().Select(one => one!["type"]!.GetValue<string>())];

    private static IEnumerable<JsonObject> Events(JsonObject run, string type) => run["events"]!.AsArray().Select(one => one!.AsObject()).Where(one => one["type"]!.GetValue<string>() == type);

    private static IEnumerable<string> Statuses(JsonObject run) => Events(run, "CUSTOM").Select(one => one["value"]!["status"]!.GetValue<string>());

    private static JsonObject Last(JsonObject run) => run["events"]!.AsArray()[^1]!.AsObject();

    private static List<string> Deltas(JsonObject run) => [.. Events(run, "TEXT_MESSAGE_CONTENT").Select(one => one["delta"]!.GetValue<string>())];

    private static string Text(JsonObject run) => string.Concat(Deltas(run));

    private static IEnumerable<string> Roles(JsonObject run) => run["messages"]!.AsArray().Select(message => message!["role"]!.GetValue<string>());

    public sealed class Fixture : CosmoFixture
    {
        private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("cosmo-tools-");
        private HttpStub _notes = null!;

        protected override Dictionary<string, string> Settings => new() { ["TOOLS_PATH"] = _tools.FullName, ["NOTES_URL"] = _notes.Url.ToString().TrimEnd('/') };

        public override async ValueTask InitializeAsync()
        {
            await File.WriteAllTextAsync(Path.Combine(_tools.FullName, "add_note.json"), ClientPackageTests.AddNote);
            _notes = await HttpStub.StartAsync(context => context.Response.WriteAsync("""{"id": 1}"""));
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await _notes.DisposeAsync();
            _tools.Delete(recursive: true);
            GC.SuppressFinalize(this);
        }
    }
}
