using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promises 7 and 11: each failure has its sentence, and the channel works on.</summary>
public sealed class FailureTests(FailureTests.Fixture fixture) : IClassFixture<FailureTests.Fixture>, IAsyncLifetime
{
    private const string Busy = "I'm receiving too many requests right now. Please try again in a moment.";
    private const string Unreachable = "I'm having trouble connecting to my services. Please try again in a moment.";
    private const string Other = "I encountered an issue while processing your request.";

    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";
    private ChatClient _client = null!;

    public async ValueTask InitializeAsync() => _client = await _stack.OpenAsync(_channel);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Theory]
    [InlineData("""{ "status": 429, "headers": { "Retry-After": "60" } }""", "rate_limit", Busy)]
    [InlineData("""{ "status": 429, "code": "insufficient_quota" }""", "rate_limit", Busy)]
    [InlineData("""{ "rateLimitInStream": 60 }""", "rate_limit", Busy)]
    [InlineData("""{ "status": 503, "headers": { "Retry-After": "60" } }""", "assistant", Other)]
    [InlineData("""{ "status": 400, "body": { "error": { "message": "bad", "code": "bad" } } }""", "invalid_request", "There was an issue with your request format. Please try again.")]
    [InlineData("""{ "cutAfterTokens": 3 }""", "connection", Unreachable)]
    [InlineData("""{ "failAfterTokens": 3, "failCode": "rate_limit_exceeded" }""", "rate_limit", Busy)]
    [InlineData("""{ "failAfterTokens": 3 }""", "assistant", Other)]
    [InlineData("""{ "errorAfterTokens": 0, "failCode": "context_length_exceeded" }""", "invalid_request", "There was an issue with your request format. Please try again.")]
    [InlineData("""{ "errorAfterTokens": 0, "failCode": null, "failType": "invalid_request_error" }""", "invalid_request", "There was an issue with your request format. Please try again.")]
    [InlineData("""{ "status": 401, "code": "invalid_api_key" }""", "assistant", Other)]
    [InlineData("""{ "toolStorm": true }""", "tool_rounds", "I had trouble executing one of my tools. Please try again.")]
    public async Task A_failure_of_the_model_has_its_sentence_and_the_next_message_is_answered(string fault, string cause, string sentence)
    {
        await FailsAsync(fault, cause, sentence);

        await _stack.FaultAsync("[]");
        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        var final = await _client.FinalAsync("msg-2");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        (await _stack.UnansweredCallsAsync(final["thread_id"]!.GetValue<string>())).ShouldBeEmpty();
        _client.Finals().ShouldBe(["msg-1", "msg-2"]);
    }

    [Fact]
    public async Task A_service_that_fails_all_the_time_is_told_as_that_in_time_and_meanwhile_that_it_is_asked_again()
    {
        // Not of a time-out, which the fixture's clients are told of after 15 s.
        await FailsAsync("""{ "status": 500 }""", "assistant", Other);

        var retrying = _client.Seen.Select(update => update["payload"]!).Single(payload => payload["status"]!.GetValue<string>() == "retrying");
        (retrying["type"]!.GetValue<string>(), retrying["message"]!.GetValue<string>(), retrying["final_message"]!.GetValue<bool>())
            .ShouldBe(("status", "Still trying to reach the assistant...", false));
    }

    [Fact]
    public async Task Conversations_that_cannot_be_made_are_told_as_that_in_time()
    {
        await FailsAsync("""{ "endpoint": "conversations", "status": 500 }""", "assistant", Other);

        _client.Seen.Count(update => update["payload"]!["status"]!.GetValue<string>() == "retrying").ShouldBe(1);
    }

    [Theory]
    [InlineData("""{ "status": 401, "code": "invalid_api_key" }""", "key or identity")]
    [InlineData("""{ "status": 429, "code": "insufficient_quota" }""", "no quota left")]
    public async Task What_operators_must_mend_is_for_the_dead_letter_and_not_for_browsers(string fault, string reason)
    {
        await _stack.FaultAsync($"[{fault}]");

        await _stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        var final = await _client.FinalAsync("msg-1");

        final.ToJsonString().ShouldNotContain("key");
        final.ToJsonString().ShouldNotContain("quota");
        (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-reason"].ShouldContain(reason);
        (await _stack.RequestsAsync()).Count(request => request["path"]!.GetValue<string>().EndsWith("/responses") && request["conversation"]!.GetValue<string>() == final["thread_id"]!.GetValue<string>())
            .ShouldBe(1);
    }

    [Theory]
    [InlineData("""{ "incompleteAfterTokens": 2, "pace": 50 }""", "max_output_tokens")]
    [InlineData("""{ "incompleteAfterTokens": 2, "incompleteReason": "content_filter" }""", "content_filter")]
    public async Task An_answer_that_is_cut_is_completed_with_the_text_that_the_user_saw_and_the_model_knows_it(string fault, string incomplete)
    {
        await _stack.FaultAsync($"[{fault}]");
        await _stack.ScriptAsync($$"""[{ "userText": "{{_channel}}", "text": ["Good ", "day, ", "Ana."] }]""");

        await _stack.Queue.SendAsync(_channel, "msg-1", _channel);
        var final = await _client.FinalAsync("msg-1");

        (final["type"]!.GetValue<string>(), final["status"]!.GetValue<string>(), final["message"]!.GetValue<string>(), final["incomplete"]!.GetValue<string>())
            .ShouldBe(("response", "completed", "Good day, ", incomplete));
        (await _stack.ItemsAsync(final["thread_id"]!.GetValue<string>())).Select(item => item["content"]![0]!["text"]!.GetValue<string>()).ShouldBe([_channel, "Good day, "]);
        (await _stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Theory]
    [InlineData("""{ "cutAtCompletion": true, "loseItems": true, "pace": 20 }""")]
    [InlineData("""{ "cutAtCompletion": true, "hideResponse": true, "pace": 20 }""")]
    [InlineData("""{ "unreadableAfterTokens": 0, "pace": 20 }""")]
    public async Task A_response_whose_stream_broke_is_taken_and_stands_in_the_conversation_once_with_its_calls(string fault)
    {
        await _stack.FaultAsync($"[{fault}]");

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        var final = await _client.FinalAsync("msg-1");
        await _stack.FaultAsync("[]");
        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        await _client.FinalAsync("msg-2");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        (await _stack.ItemsAsync(final["thread_id"]!.GetValue<string>())).Select(item => item["type"]!.GetValue<string>())
            .ShouldBe(["message", "function_call", "function_call_output", "message", "message", "message"]);
        (await _stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Weather in Makati?", "Hello"]);
    }

    [Fact]
    public async Task Two_messages_of_one_response_and_the_text_after_a_tool_are_paragraphs_while_they_stream_and_in_the_end()
    {
        await _stack.FaultAsync("""[{ "emptyOutput": true, "splitEmoji": true, "oddNumbers": true, "unknownEvents": true, "pace": 30 }]""");
        await _stack.ScriptAsync(
            $$$"""
            [{ "userText": "{{{_channel}}}", "text": "Let me look 😀.", "then": ["One moment."], "calls": [{ "name": "get_weather", "arguments": { "city": "Makati" } }] },
             { "userText": "{{{_channel}}}", "text": "Makati has 31 degrees." }]
            """);

        await _stack.Queue.SendAsync(_channel, "msg-1", _channel);
        var final = await _client.FinalAsync("msg-1");

        const string whole = "Let me look 😀.\n\nOne moment.\n\nMakati has 31 degrees.";
        (final["status"]!.GetValue<string>(), final["message"]!.GetValue<string>()).ShouldBe(("completed", whole));
        _client.Seen.Select(update => update["payload"]!).Where(payload => payload["status"]!.GetValue<string>() == "in_progress")
            .Select(payload => payload["message"]!.GetValue<string>()).ShouldAllBe(text => whole.StartsWith(text));
    }

    [Fact]
    public Task A_call_that_takes_too_long_has_its_sentence() => FailsAsync(
        """{ "endpoint": "conversations", "delayBeforeHeaders": 20000 }""", "call_timeout", "The request took too long to process. Please try again.");

    [Theory]
    [InlineData("""{ "status": 429, "times": 1, "headers": { "Retry-After": "1" } }""")]
    [InlineData("""{ "status": 502, "times": 2 }""")]
    [InlineData("""{ "code": "conversation_locked", "status": 409, "times": 2 }""")]
    [InlineData("""{ "rateLimitInStream": 1, "times": 1 }""")]
    public async Task A_failure_that_passes_is_waited_out(string fault)
    {
        await _stack.FaultAsync($"[{fault}]");
        var begun = TimeProvider.System.GetTimestamp();

        await _stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        var final = await _client.FinalAsync("msg-1");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        (await _stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Hello"]);
        if (fault.Contains("429") || fault.Contains("Stream"))
        {
            TimeProvider.System.GetElapsedTime(begun).ShouldBeGreaterThan(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task A_conversation_that_is_gone_is_replaced_and_the_question_asked_again()
    {
        await _stack.FaultAsync("[]");
        await _stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        var gone = (await _client.FinalAsync("msg-1"))["thread_id"]!.GetValue<string>();
        using var http = new HttpClient { BaseAddress = _stack.OpenAI.Url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", "test");
        (await http.DeleteAsync($"/v1/conversations/{gone}", TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello again");
        var final = await _client.FinalAsync("msg-2");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        final["thread_id"]!.GetValue<string>().ShouldNotBe(gone);
        (await _stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Hello again"]);
        _client.Seen.Count(update => update["payload"]!["message_id"]!.GetValue<string>() == "msg-2" && update["payload"]!["status"]!.GetValue<string>() == "started").ShouldBe(1);
    }

    [Theory]
    [InlineData("Makati", """[{ "badToolArguments": true, "times": 1 }]""", "[]", "not valid JSON")]
    [InlineData("Makati", """[{ "unknownTool": true, "times": 1 }]""", "[]", "There is no such tool")]
    [InlineData("Cebu", "[]", """[{ "delay": 15000 }]""", "took too long")]
    [InlineData("Davao", "[]", """[{ "malformed": true }]""", "could not be read")]
    public async Task A_tool_that_fails_is_told_to_the_model_and_the_message_is_answered(string city, string faults, string backendFaults, string told)
    {
        await _stack.FaultAsync(faults);
        await _stack.FaultBackendsAsync(backendFaults);

        await _stack.Queue.SendAsync(_channel, "msg-1", $"Weather in {city}?");
        var final = await _client.FinalAsync("msg-1");
        await _stack.FaultBackendsAsync("[]");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        var items = await _stack.ItemsAsync(final["thread_id"]!.GetValue<string>());
        items.First(item => item["type"]!.GetValue<string>() == "function_call_output")["output"]!.GetValue<string>().ShouldContain(told);
        (await _stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    private async Task FailsAsync(string fault, string cause, string sentence)
    {
        await _stack.FaultAsync($"[{fault}]");

        await _stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        var final = await _client.FinalAsync("msg-1");

        (final["type"]!.GetValue<string>(), final["status"]!.GetValue<string>(), final["message"]!.GetValue<string>()).ShouldBe(("error", "error", sentence));
        final["error_details"]!.GetValue<string>().ShouldNotBeEmpty();
        var letter = await _stack.Queue.NextDeadLetterAsync();
        letter.Headers["x-cosmo-cause"].ShouldBe(cause);
        JsonNode.Parse(letter.Body)!["channel"]!.GetValue<string>().ShouldBe(_channel);
    }

    public sealed class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new()
        {
            ["Cosmo:Conversations:FirstEventSeconds"] = "15",
            ["Cosmo:Conversations:OverallSeconds"] = "20",
            ["Cosmo:Assistants:CallTimeoutSeconds"] = "1",
            ["Cosmo:Tools:TimeLimitSeconds"] = "1",
        };
    }
}
