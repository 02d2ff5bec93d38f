using System.ClientModel.Primitives;
using Azure.Identity;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Responses;

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
        _thread = await _setup.Assistant.CreateThreadAsync(retrying: null, Cancellation);
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
        heard.Retries.ShouldBeGreaterThan(0);
        (await _openAI.ItemsAsync(_thread)).Count(item => item!["role"]?.GetValue<string>() == "user").ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"emptyOutput":true}""")]
    [InlineData("""{"oddNumbers":true}""")]
    [InlineData("""{"splitEmoji":true}""")]
    [InlineData("""{"unknownEvents":true}""")]
    [InlineData("""{"unreadableAfterTokens":1,"pace":20}""")]
    [InlineData("""{"emptyOutput":true,"oddNumbers":true,"splitEmoji":true,"unknownEvents":true}""")]
    public async Task What_an_odd_service_sends_is_read_as_it_was_meant(string fault)
    {
        await _openAI.FaultAsync($"[{fault}]");
        await _openAI.ScriptAsync("""[{"text":["Good ","day 😀, ","ñ 漢 😀"],"then":["And 😀 more."],"calls":[{"name":"get_weather","arguments":{"city":"Makati"}}]}]""");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Hello", heard);

        response.Text.ShouldBe("Good day 😀, ñ 漢 😀\n\nAnd 😀 more.");
        heard.Text.ShouldBe(response.Text);
        response.ToolCalls.ShouldHaveSingleItem().Arguments.ShouldBe("""{"city":"Makati"}""");
        (await _openAI.AskedAsync()).ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"cutAfterTokens":2,"pace":20}""")]
    [InlineData("""{"endAfterTokens":2}""")]
    public async Task A_response_that_breaks_off_again_and_again_is_asked_for_three_times(string fault)
    {
        await _openAI.FaultAsync($"[{fault}]");
        const string calls = """{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}}]}""";
        await _openAI.ScriptAsync($"[{calls},{calls},{calls},{calls}]");
        var heard = new Heard();

        (await _setup.FailsAsync(_thread, "Weather?", heard)).ShouldBe(AssistantFailure.Connection);

        (await _openAI.AskedAsync()).ShouldBe(3);
        heard.Retries.ShouldBe(2);
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
    [InlineData("""{"status":500,"type":"invalid_request_error"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"status":400,"code":"context_length_exceeded"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"status":404,"code":"model_not_found"}""", AssistantFailure.Other)]
    [InlineData("""{"status":403,"code":null}""", AssistantFailure.Other)]
    [InlineData("""{"failAfterTokens":2}""", AssistantFailure.Other)]
    [InlineData("""{"failAfterTokens":2,"failCode":"rate_limit_exceeded"}""", AssistantFailure.RateLimit)]
    [InlineData("""{"errorAfterTokens":0,"failCode":null,"failType":"invalid_request_error"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"errorAfterTokens":0,"failCode":"context_length_exceeded"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"errorAfterTokens":0,"failCode":"insufficient_quota"}""", AssistantFailure.RateLimit)]
    [InlineData("""{"errorAfterTokens":2}""", AssistantFailure.Other)]
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

    [Theory]
    [InlineData("", "max_output_tokens")]
    [InlineData(""","incompleteReason":"content_filter" """, "content_filter")]
    public async Task An_answer_that_is_cut_keeps_its_text_also_in_the_conversation(string reason, string incomplete)
    {
        await _openAI.FaultAsync($$"""[{"incompleteAfterTokens":2{{reason}},"times":1}]""");
        await _openAI.ScriptAsync("""[{"text":["Good ","day, ","Ana."]}]""");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Hello", heard);

        (response.Text, response.Incomplete, heard.Text).ShouldBe(("Good day, ", incomplete, "Good day, "));
        (await _openAI.AskedAsync()).ShouldBe(1);
        (await SaidAsync()).ShouldBe([("user", "Hello"), ("assistant", "Good day, ")]);
        (await _setup.AskAsync(_thread, "Hello again")).Incomplete.ShouldBeNull();
    }

    [Fact]
    public async Task A_cut_answer_that_an_interrupted_try_had_begun_is_taken()
    {
        await _openAI.FaultAsync("""[{"incompleteAfterTokens":2,"times":1}]""");
        var earlier = await _setup.AskAsync(_thread, "Hello");
        var heard = new Heard();

        var response = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", earlier.Id), heard, Cancellation);

        (response.Text, response.Incomplete, heard.Text).ShouldBe((earlier.Text, "max_output_tokens", earlier.Text));
        (await SaidAsync()).ShouldBe([("user", "Hello"), ("assistant", earlier.Text)]);
        (await _openAI.AskedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_cut_answer_without_text_calls_no_tools_and_leaves_no_call_open()
    {
        await _openAI.FaultAsync("""[{"incompleteAfterTokens":2,"times":1}]""");
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}}]}]""");

        (await _setup.AskAsync(_thread, "Weather?")).ShouldSatisfyAllConditions(
            response => response.Text.ShouldBeEmpty(), response => response.ToolCalls.ShouldBeEmpty(), response => response.Incomplete.ShouldBe("max_output_tokens"));

        (await _setup.AskAsync(_thread, "Hello")).Text.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_taken_response_that_did_not_come_into_the_conversation_is_put_there_once()
    {
        await _setup.AskAsync(_thread, "Hello");
        var before = await SaidAsync();
        await _openAI.FaultAsync("""[{"loseItems":true,"times":1}]""");
        var lost = await _setup.AskAsync(_thread, "Hello");
        (await SaidAsync()).ShouldBe(before);

        for (var tries = 0; tries < 3; tries++)
        {
            await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", lost.Id), new Heard(), Cancellation);
        }

        (await SaidAsync()).ShouldBe([.. before, ("user", "Hello"), ("assistant", lost.Text)]);
        _setup.Logs.Text.ShouldContain("Warning 308");
    }

    [Fact]
    public async Task A_taken_response_that_stands_in_the_conversation_is_left_there()
    {
        await _openAI.FaultAsync("""[{"cutAtCompletion":true,"pace":20,"times":1}]""");
        var response = await _setup.AskAsync(_thread, "Hello");

        await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", response.Id), new Heard(), Cancellation);

        (await SaidAsync()).ShouldBe([("user", "Hello"), ("assistant", response.Text)]);
        _setup.Logs.Text.ShouldNotContain("Warning 308");
    }

    [Fact]
    public async Task A_taken_response_whose_question_alone_is_missing_gets_it_before_it()
    {
        var response = await _setup.AskAsync(_thread, "Hello");
        var question = (await _openAI.ItemsAsync(_thread))[0]!["id"]!.GetValue<string>();
        await _setup.Get<ConversationItems>().TryDeleteAsync(_thread, [ConversationItem.Question("Hello") with { Id = question }], Cancellation);

        await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", response.Id), new Heard(), Cancellation);

        (await SaidAsync()).ShouldBe([("user", "Hello"), ("assistant", response.Text)]);
    }

    [Fact]
    public async Task Calls_and_outputs_that_did_not_come_into_the_conversation_are_put_there_once()
    {
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}},{"name":"get_weather","arguments":{"city":"Cebu"}}]},{"text":"Sunny."}]""");
        await _openAI.FaultAsync("""[{"loseItems":true,"times":1}]""");
        var lost = await _setup.AskAsync(_thread, "Weather?");
        var calls = (await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Weather?", lost.Id), new Heard(), Cancellation)).ToolCalls;
        calls.ShouldBe(lost.ToolCalls);
        ToolOutput[] outputs = [.. calls.Select(call => new ToolOutput(call.CallId, "{}"))];
        await _openAI.FaultAsync("""[{"loseItems":true,"times":1}]""");
        var answer = await _setup.Assistant.RespondAsync(_setup.Outputs(_thread, outputs), new Heard(), Cancellation);

        for (var tries = 0; tries < 2; tries++)
        {
            await _setup.Assistant.RespondAsync(_setup.Outputs(_thread, outputs) with { EarlierResponseId = answer.Id }, new Heard(), Cancellation);
        }

        (await _openAI.ItemsAsync(_thread)).Select(item => item!["type"]!.GetValue<string>())
            .ShouldBe(["message", "function_call", "function_call", "function_call_output", "function_call_output", "message"]);
        (await _setup.AskAsync(_thread, "Hello")).Text.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("""{"text":"Sunny."}""")]
    [InlineData("""{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}}]}""")]
    public async Task A_response_that_stands_in_the_conversation_is_whole_whatever_the_service_says_of_it(string script)
    {
        await _openAI.ScriptAsync($"[{script}]");
        await _openAI.FaultAsync("""[{"cutAtCompletion":true,"hideResponse":true,"pace":20}]""");
        var heard = new Heard();

        var response = await _setup.AskAsync(_thread, "Weather?", heard);

        (response.Text.Length + response.ToolCalls.Count).ShouldBeGreaterThan(0);
        heard.Text.ShouldBe(response.Text);
        (await _openAI.AskedAsync()).ShouldBe(1);
        (await _openAI.ItemsAsync(_thread)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_question_that_an_interrupted_try_left_in_the_conversation_stands_there_once()
    {
        await _setup.AskAsync(_thread, "Hello");
        await _setup.Get<ConversationItems>().TryAddAsync(_thread, [ConversationItem.Question("Hello")], Cancellation);

        var response = await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello", "resp_none"), new Heard(), Cancellation);

        (await SaidAsync()).Select(said => said.Role).ShouldBe(["user", "assistant", "user", "assistant"]);
        (await SaidAsync())[^1].Text.ShouldBe(response.Text);
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
    public async Task An_answer_that_is_cancelled_while_its_text_is_handled_is_not_made_to_its_end()
    {
        await _openAI.FaultAsync("""[{ "userText": "essay", "longAnswer": 25, "pace": 50 }]""");
        using var caller = new CancellationTokenSource();
        var heard = new Heard { OnText = caller.Cancel };
        await Should.ThrowAsync<OperationCanceledException>(_setup.Assistant.RespondAsync(_setup.Question(_thread, "essay"), heard, caller.Token));

        // As long as the first is made the conversation is locked.
        await _setup.AskAsync(_thread, "Hello", new Heard { OnRetry = () => Task.Delay(20, Cancellation) });

        (await _openAI.ItemsAsync(_thread)).Where(item => item!["role"]?.GetValue<string>() == "user").Select(item => item!["content"]![0]!["text"]!.GetValue<string>()).ShouldBe(["Hello"]);
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
    public async Task Of_a_call_that_had_begun_the_repair_does_not_say_that_it_was_not_carried_out()
    {
        await _openAI.ScriptAsync("""[{"calls":[{"name":"get_weather","arguments":{"city":"Makati"}},{"name":"get_weather","arguments":{"city":"Cebu"}}]}]""");
        var asked = await _setup.AskAsync(_thread, "Weather?");

        await _setup.Assistant.RespondAsync(_setup.Question(_thread, "Hello"), new Heard { Begun = [asked.ToolCalls[1].CallId] }, Cancellation);

        (await OutputsAsync()).ShouldBe(
            [
                """{"error":"This call was not carried out."}""",
                """{"error":"It is not known whether this call was carried out. Do not repeat it; tell the user that somebody should check."}""",
            ],
            ignoreOrder: true);
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
        await using var setup = new AssistantSetup(_openAI.Url, new Dictionary<string, string?> { ["Cosmo:Assistants:StreamSilenceSeconds"] = "20" });
        await _openAI.FaultAsync("""[{"stallAfterTokens":0,"times":1}]""");
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Heard heard = null!;
        heard = new Heard { OnCreated = () => begun.TrySetResult(), OnRetry = EndedAsync };
        var asking = setup.AskAsync(_thread, "Hello", heard);

        await begun.Task;
        setup.Time.Advance(TimeSpan.FromSeconds(20));

        (await asking).Text.ShouldNotBeEmpty();
        setup.Logs.Text.ShouldContain("did not answer in time");

        // The clock skips the waits between tries; the service needs a moment to see that nobody listens any more.
        async Task EndedAsync()
        {
            heard.ResponseIds.TryPeek(out var id);
            string? status;
            do
            {
                var found = await setup.Get<OpenAIClients>().Responses.GetResponseAsync(id, null, null, null, null, new RequestOptions());
                status = ServiceJson.Parse(found.GetRawResponse().Content).Text("status");
            }
            while (status is "in_progress");
        }
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

    private async Task<(string Role, string Text)[]> SaidAsync() =>
        [.. (await _openAI.ItemsAsync(_thread)).Select(item => (item!["role"]!.GetValue<string>(), item["content"]![0]!["text"]!.GetValue<string>()))];

    private async Task<string[]> OutputsAsync() =>
        [.. (await _openAI.ItemsAsync(_thread)).Where(item => item!["type"]!.GetValue<string>() == "function_call_output")
            .Select(item => item!["output"]!.GetValue<string>())];
}
