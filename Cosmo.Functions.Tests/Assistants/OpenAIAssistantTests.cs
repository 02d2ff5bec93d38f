using Azure.Identity;
using Cosmo.Functions.Assistants;

namespace Cosmo.Functions.Tests.Assistants;

public sealed class OpenAIAssistantTests : IAsyncLifetime
{
    private EmulatedOpenAI _openAI = null!;
    private AssistantSetup _setup = null!;
    private string _thread = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        // Where a stream is cut its tokens are paced: a connection that is reset takes what was not read yet with it.
        _openAI = await EmulatedOpenAI.StartAsync();
        _setup = new AssistantSetup(_openAI.Url);
        _thread = await _setup.Assistant.CreateThreadAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        await _openAI.DisposeAsync();
    }

    [Fact]
    public void A_thread_is_a_conversation() => _thread.ShouldStartWith("conv_");

    [Fact]
    public async Task An_answer_is_heard_piece_by_piece_and_comes_back_whole()
    {
        await _openAI.ScriptAsync("""[{"text":["Good ","day, ","ñ 漢 😀"]}]""");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Hello", heard);

        response.Text.ShouldBe("Good day, ñ 漢 😀");
        response.ToolCalls.ShouldBeEmpty();
        heard.Text.ShouldBe(response.Text);
        heard.Deltas.ShouldBe(3);
        heard.ResponseIds.ShouldBe([response.Id]);
        heard.TextCameBeforeTheId.ShouldBeFalse();
        heard.Events.ShouldBeGreaterThan(heard.Deltas);
    }

    [Fact]
    public async Task Parallel_calls_come_with_their_ids_and_arguments_and_their_outputs_lead_to_the_answer()
    {
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}},{"name":"get_weather","arguments":"{\"city\": "}]},{"text":"Sunny."}]""");

        var asked = await _setup.AskAsync(_thread, "Weather in Makati and Cebu?");
        asked.Text.ShouldBeEmpty();
        asked.ToolCalls.Select(call => (call.Name, call.Arguments)).ShouldBe([("get_weather", """{"city":"Makati"}"""), ("get_weather", """{"city": """)]);
        asked.ToolCalls.ShouldAllBe(call => call.CallId.StartsWith("call_"));

        var answer = await _setup.Assistant.RespondAsync(
            _setup.Outputs(_thread, [.. asked.ToolCalls.Select(call => new ToolOutput(call.CallId, """{"temperature":30}"""))]), new Heard(), Cancellation);
        answer.Text.ShouldBe("Sunny.");
    }

    [Theory]
    [InlineData("""{"status":429,"times":2}""")]
    [InlineData("""{"status":500,"times":3}""")]
    [InlineData("""{"status":503,"times":1}""")]
    [InlineData("""{"status":400,"code":"conversation_locked","times":2}""")]
    [InlineData("""{"failAfterTokens":0,"times":1}""")]
    [InlineData("""{"endAfterTokens":0,"times":1}""")]
    [InlineData("""{"rateLimitInStream":4,"times":1}""")]
    public async Task A_failure_that_passes_is_not_noticed(string fault)
    {
        await _openAI.FaultAsync($"[{fault}]");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Hello", heard);

        response.Text.ShouldNotBeEmpty();
        heard.Text.ShouldBe(response.Text);
        (await _openAI.ItemsAsync(_thread)).Count(item => item!["role"]?.GetValue<string>() == "user").ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"status":429,"headers":{"Retry-After":"7"},"times":1}""", 7)]
    [InlineData("""{"rateLimitInStream":4,"times":1}""", 4)]
    [InlineData("""{"status":429,"headers":{"Retry-After":"-7"},"times":1}""", 0)]
    [InlineData("""{"status":429,"headers":{"Retry-After":"NaN"},"times":1}""", 0)]
    [InlineData("""{"status":503,"headers":{"Retry-After":"Sun, 06 Nov 1994 08:49:37 GMT"},"times":1}""", 0)]
    public async Task As_long_as_the_service_asks_for_is_waited(string fault, int seconds)
    {
        await _openAI.FaultAsync($"[{fault}]");
        var before = _setup.Time.GetUtcNow();

        await _setup.AskAsync(_thread, "Hello");

        (_setup.Time.GetUtcNow() - before).TotalSeconds.ShouldBeInRange(seconds, seconds + 1);
    }

    [Theory]
    [InlineData("""{"status":500}""", AssistantFailure.Other)]
    [InlineData("""{"status":429}""", AssistantFailure.RateLimit)]
    [InlineData("""{"status":504}""", AssistantFailure.Timeout)]
    [InlineData("""{"rateLimitInStream":1}""", AssistantFailure.RateLimit)]
    public async Task Tries_end_at_the_moment_that_was_given(string fault, object failure)
    {
        await _openAI.FaultAsync($"[{fault}]");
        var until = _setup.Time.GetUtcNow() + TimeSpan.FromSeconds(60);

        (await _setup.FailsAsync(_thread, "Hello")).ShouldBe((AssistantFailure)failure);

        _setup.Time.GetUtcNow().ShouldBeInRange(until - TimeSpan.FromSeconds(12), until);
        (await _openAI.AskedAsync()).ShouldBeInRange(4, 60);
    }

    [Theory]
    [InlineData("""{"status":429,"code":"insufficient_quota"}""", AssistantFailure.RateLimit)]
    [InlineData("""{"status":429,"headers":{"Retry-After":"3600"}}""", AssistantFailure.RateLimit)]
    [InlineData("""{"status":400,"code":"invalid_value"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"status":400,"code":"content_filter"}""", AssistantFailure.ContentFilter)]
    [InlineData("""{"status":401,"code":"invalid_api_key"}""", AssistantFailure.Other)]
    [InlineData("""{"incompleteAfterTokens":2}""", AssistantFailure.Incomplete)]
    [InlineData("""{"incompleteAfterTokens":2,"incompleteReason":"content_filter"}""", AssistantFailure.ContentFilter)]
    [InlineData("""{"failAfterTokens":2}""", AssistantFailure.Connection)]
    [InlineData("""{"failAfterTokens":0,"failCode":"invalid_prompt"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"endAfterTokens":2}""", AssistantFailure.Connection)]
    [InlineData("""{"cutAfterTokens":2,"pace":20}""", AssistantFailure.Connection)]
    public async Task A_failure_that_lasts_or_comes_after_text_is_reported_without_another_try(string fault, object failure)
    {
        await _openAI.FaultAsync($"[{fault}]");

        (await _setup.FailsAsync(_thread, "Hello")).ShouldBe((AssistantFailure)failure);

        (await _openAI.AskedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_thread_that_does_not_exist_is_gone() =>
        (await _setup.FailsAsync("conv_none", "Hello")).ShouldBe(AssistantFailure.ThreadGone);

    [Fact]
    public async Task Neither_the_key_nor_the_services_text_is_in_an_error_or_in_the_log()
    {
        await _openAI.FaultAsync("""[{"status":401,"body":{"error":{"message":"Incorrect API key provided: sk-test-secret.","code":"invalid_api_key"}}}]""");

        var exception = await Should.ThrowAsync<AssistantException>(_setup.AskAsync(_thread, "Hello"));

        exception.Message.ShouldContain("status 401, invalid_api_key");
        (exception + _setup.Logs.Text).ShouldNotContain("sk-test-secret");
    }

    [Fact]
    public async Task A_response_that_became_whole_after_its_stream_broke_is_taken_and_not_asked_for_again()
    {
        await _openAI.FaultAsync("""[{"cutAtCompletion":true,"pace":20}]""");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Hello", heard);

        heard.Text.ShouldBe(response.Text);
        heard.ResponseIds.ShouldBe([response.Id]);
        (await _openAI.AskedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_response_that_an_interrupted_try_had_begun_is_taken_if_it_became_whole()
    {
        var earlier = await _setup.AskAsync(_thread, "Hello");
        var heard = new Heard();

        var response = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", earlier.Id), heard, Cancellation);

        response.Id.ShouldBe(earlier.Id);
        response.Text.ShouldBe(earlier.Text);
        heard.Text.ShouldBe(earlier.Text);
        heard.Deltas.ShouldBe(1);
        (await _openAI.AskedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_response_that_an_interrupted_try_had_begun_and_that_never_became_whole_is_asked_for_again()
    {
        await _openAI.FaultAsync("""[{"cutAfterTokens":2,"pace":20,"times":1}]""");
        var interrupted = new Heard();
        await _setup.FailsAsync(_thread, "Hello", interrupted);

        var response = await _setup.Assistant.RespondAsync(
            _setup.Question(_thread, "Hello", interrupted.ResponseIds.Single()), new Heard(), Cancellation);

        response.Text.ShouldNotBeEmpty();
        response.Id.ShouldNotBe(interrupted.ResponseIds.Single());
    }

    [Fact]
    public async Task A_response_nobody_knows_is_asked_for_again() =>
        (await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", "resp_none"), new Heard(), Cancellation)).Text.ShouldNotBeEmpty();

    [Fact]
    public async Task Cancellation_reaches_the_service_at_once_and_is_no_failure()
    {
        await _openAI.FaultAsync("""[{"stallAfterTokens":2}]""");
        using var caller = new CancellationTokenSource();
        var heard = new Heard { OnText = caller.Cancel };

        await Should.ThrowAsync<OperationCanceledException>(_setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello"), heard, caller.Token));

        heard.Deltas.ShouldBe(1);
    }

    [Fact]
    public async Task A_conversation_that_waits_for_an_output_nobody_gave_is_repaired_by_the_next_question()
    {
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}},{"name":"get_weather","arguments":{"city":"Cebu"}}]}]""");
        await _setup.AskAsync(_thread, "Weather?");

        var response = await _setup.AskAsync(_thread, "Hello");

        response.Text.ShouldNotBeEmpty();
        (await OutputsAsync()).ShouldBe(["""{"error":"This call was not carried out."}""", """{"error":"This call was not carried out."}"""]);
        _setup.Logs.Text.ShouldContain("Warning 303");
    }

    [Fact]
    public async Task Outstanding_calls_are_answered_once()
    {
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}}]}]""");
        var asked = await _setup.AskAsync(_thread, "Weather?");

        await _setup.Assistant.AnswerOutstandingCallsAsync(_thread, "not done", Cancellation);
        await _setup.Assistant.AnswerOutstandingCallsAsync(_thread, "not done", Cancellation);
        await _setup.Assistant.AnswerOutstandingCallsAsync("conv_none", "not done", Cancellation);

        (await OutputsAsync()).ShouldBe(["not done"]);
        (await _setup.AskAsync(_thread, "Hello")).Text.ShouldNotBeEmpty();
        _setup.Logs.Text.ShouldNotContain("Warning 303");
    }

    [Fact]
    public async Task A_deleted_thread_is_gone_with_its_items()
    {
        await _setup.AskAsync(_thread, "Hello");
        var items = (await _openAI.ItemsAsync(_thread)).Select(item => item!["id"]!.GetValue<string>()).ToArray();

        await _setup.Assistant.DeleteThreadAsync(_thread, Cancellation);
        await _setup.Assistant.DeleteThreadAsync(_thread, Cancellation);

        (await _setup.FailsAsync(_thread, "Hello")).ShouldBe(AssistantFailure.ThreadGone);
        var deleted = (await _openAI.RequestsAsync()).Where(request => request!["method"]!.GetValue<string>() == "DELETE")
            .Select(request => request!["path"]!.GetValue<string>());
        deleted.Where(path => path.Contains("/items/")).Select(path => path.Split('/')[^1]).ShouldBe(items, ignoreOrder: true);
    }

    [Fact]
    public async Task A_thread_of_the_closed_Assistants_API_needs_no_deleting()
    {
        await _setup.Assistant.DeleteThreadAsync("thread_abc", Cancellation);

        (await _openAI.RequestsAsync()).ShouldAllBe(request => !request!["path"]!.GetValue<string>().Contains("thread_abc"));
    }

    [Fact]
    public void An_identity_that_cannot_be_proved_is_a_failure_of_the_service() =>
        Fault.Of(new CredentialUnavailableException("no identity here"), _setup.Time.GetUtcNow())!.Failure.ShouldBe(AssistantFailure.Other);

    [Fact]
    public async Task A_stream_that_falls_silent_is_given_up()
    {
        await using var setup = new AssistantSetup(_openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:StreamSilenceSeconds"] = "1" });
        await _openAI.FaultAsync("""[{"stallAfterTokens":0,"times":1}]""");

        (await setup.AskAsync(_thread, "Hello")).Text.ShouldNotBeEmpty();
        setup.Logs.Text.ShouldContain("did not answer in time");
    }

    [Fact]
    public async Task Azure_is_reached_by_its_own_path_with_its_own_header()
    {
        await using var setup = new AssistantSetup(
            _openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:AzureEndpoint"] = _openAI.Url.ToString() });

        (await setup.AskAsync(_thread, "Hello")).Text.ShouldNotBeEmpty();
        (await _openAI.RequestsAsync())[^1]!["path"]!.GetValue<string>().ShouldBe("/openai/v1/responses");
    }

    [Fact]
    public async Task The_tools_that_the_caller_may_use_are_offered()
    {
        await _setup.AskAsync(_thread, "Hello");

        var tools = (await _openAI.RequestsAsync())[^1]!["tools"]!.AsArray().Select(tool => tool!.GetValue<string>());
        tools.ShouldBe(["get_weather"]);
    }

    private async Task<string[]> OutputsAsync() =>
        [.. (await _openAI.ItemsAsync(_thread)).Where(item => item!["type"]!.GetValue<string>() == "function_call_output")
            .Select(item => item!["output"]!.GetValue<string>())];
}
