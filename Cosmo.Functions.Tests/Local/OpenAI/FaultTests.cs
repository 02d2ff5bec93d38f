using System.ClientModel;
using System.Diagnostics;
using System.Net;
using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class FaultTests : IAsyncLifetime
{
    private readonly EmulatorFixture _emulator = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _emulator.InitializeAsync();

    public ValueTask DisposeAsync() => _emulator.DisposeAsync();

    [Theory]
    [InlineData("""{"status":429,"headers":{"Retry-After":"3"}}""", 429, "rate_limit_exceeded", "3")]
    [InlineData("""{"status":429}""", 429, "rate_limit_exceeded", null)]
    [InlineData("""{"status":429,"code":"insufficient_quota"}""", 429, "insufficient_quota", null)]
    [InlineData("""{"status":500}""", 500, "server_error", null)]
    [InlineData("""{"status":503,"body":{"error":{"message":"Overloaded","type":"server_error"}}}""", 503, "Overloaded", null)]
    [InlineData("""{"status":400,"code":"conversation_locked"}""", 400, "conversation_locked", null)]
    public async Task A_failure_over_http_has_its_status_body_and_headers_once(string fault, int status, string text, string? retryAfter)
    {
        await _emulator.SetAsync("faults", $"[{fault[..^1]},\"times\":1}}]");
        var conversation = await _emulator.NewConversationAsync();

        var failure = await Should.ThrowAsync<ClientResultException>(() => _emulator.Responses.CreateResponseStreamingAsync(Ask.Question(conversation, "Hello"), Cancel));

        failure.Status.ShouldBe(status);
        failure.GetRawResponse()!.Content.ToString().ShouldContain(text);
        failure.GetRawResponse()!.Headers.TryGetValue("Retry-After", out var actual);
        actual.ShouldBe(retryAfter);
        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello"))).Completed.ShouldNotBeNull();
        (await _emulator.ItemsAsync(conversation)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_fault_is_only_for_the_text_and_the_requests_it_names()
    {
        await _emulator.SetAsync("faults", """[{"userText":"makati","skip":1,"times":1,"status":500}]""");

        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"))).Completed.ShouldNotBeNull();
        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Weather in Makati"))).Completed.ShouldNotBeNull();
        (await Should.ThrowAsync<ClientResultException>(() => StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Weather in Makati")))).Status.ShouldBe(500);
        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Weather in Makati"))).Completed.ShouldNotBeNull();
    }

    [Fact]
    public async Task Conversations_can_fail_too()
    {
        await _emulator.SetAsync("faults", """[{"endpoint":"conversations","times":1,"status":503}]""");

        (await Should.ThrowAsync<ClientResultException>(_emulator.NewConversationAsync)).Status.ShouldBe(503);
        (await _emulator.NewConversationAsync()).ShouldStartWith("conv_");
    }

    [Theory]
    [InlineData("delayBeforeHeaders")]
    [InlineData("delayBeforeFirstEvent")]
    public async Task An_answer_can_begin_late(string delay)
    {
        var clock = new ManualTimeProvider();
        await using var emulator = new EmulatorFixture { Clock = clock };
        await emulator.InitializeAsync();
        await emulator.SetAsync("faults", $$"""[{"{{delay}}":200}]""");

        var headers = emulator.Responses.CreateResponseStreamingAsync(Ask.Question(null, "Hello"), Cancel);
        var firstEvent = FirstEventAsync(headers);
        await clock.TimersSetAsync().WaitAsync(TimeSpan.FromSeconds(10), Cancel);
        if (delay == "delayBeforeHeaders")
        {
            headers.IsCompleted.ShouldBeFalse();
        }
        else
        {
            await headers.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
        }

        firstEvent.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromMilliseconds(200));
        await firstEvent.WaitAsync(TimeSpan.FromSeconds(10), Cancel);
    }

    private static async Task FirstEventAsync(Task<AsyncStreamingResult<StreamingResponseUpdate>> headers)
    {
        await using var stream = await headers;
        await foreach (var _ in stream)
        {
            break;
        }
    }

    [Fact]
    public async Task A_stalled_stream_stays_open_in_silence()
    {
        await _emulator.SetAsync("faults", """[{"stallAfterTokens":5}]""");
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var stream = await _emulator.Responses.CreateResponseStreamingAsync(Ask.Question(null, "Hello"), leaving.Token);
        await using var updates = ((IAsyncEnumerable<StreamingResponseUpdate>)stream).GetAsyncEnumerator(leaving.Token);
        for (var deltas = 0; deltas < 5;)
        {
            (await updates.MoveNextAsync()).ShouldBeTrue();
            deltas += updates.Current is StreamingResponseOutputTextDeltaUpdate ? 1 : 0;
        }

        // The other answer came later and is whole, so this one had its time.
        var next = updates.MoveNextAsync().AsTask();
        await _emulator.SetAsync("faults", "[]");
        await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"));
        next.IsCompleted.ShouldBeFalse();
        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => next);
    }

    [Fact]
    public async Task A_cut_stream_is_an_io_error_and_adds_nothing()
    {
        await _emulator.SetAsync("faults", """[{"cutAfterTokens":5}]""");
        var conversation = await _emulator.NewConversationAsync();

        await Should.ThrowAsync<IOException>(() => StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello")));

        (await _emulator.ItemsAsync(conversation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_response_can_complete_although_nobody_hears_of_it()
    {
        await _emulator.SetAsync("faults", """[{"cutAtCompletion":true,"times":1}]""");
        var conversation = await _emulator.NewConversationAsync();

        await Should.ThrowAsync<IOException>(() => StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello")));

        (await _emulator.ItemsAsync(conversation)).Count.ShouldBe(2);
        var id = (await _emulator.RequestsAsync(conversation))["requests"]![0]!["response"]!.ToString();
        (await _emulator.Responses.GetResponseAsync(id, Cancel)).Value.Status.ShouldBe(ResponseStatus.Completed);
    }

    [Fact]
    public async Task A_stream_can_end_without_a_terminal_event()
    {
        await _emulator.SetAsync("faults", """[{"endAfterTokens":5}]""");

        var response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"));

        response.Updates[^1].ShouldBeOfType<StreamingResponseOutputTextDeltaUpdate>();
        response.Updates.OfType<StreamingResponseOutputTextDeltaUpdate>().Count().ShouldBe(5);
    }

    [Fact]
    public async Task A_response_can_fail_in_the_middle()
    {
        await _emulator.SetAsync("faults", """[{"failAfterTokens":5,"failCode":"server_error"}]""");
        var conversation = await _emulator.NewConversationAsync();

        var response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello"));

        response.Updates[^1].ShouldBeOfType<StreamingResponseFailedUpdate>().Response.Error.Code.ToString().ShouldBe("server_error");
        (await _emulator.ItemsAsync(conversation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_response_can_be_withheld_by_the_content_filter()
    {
        await _emulator.SetAsync("faults", """[{"incompleteAfterTokens":5,"incompleteReason":"content_filter"}]""");

        var response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"));

        response.Updates[^1].ShouldBeOfType<StreamingResponseIncompleteUpdate>().Response.IncompleteStatusDetails.Reason.ToString().ShouldBe("content_filter");
    }

    [Fact]
    public async Task A_rate_limit_can_come_inside_a_stream_that_began_well()
    {
        await _emulator.SetAsync("faults", """[{"rateLimitInStream":4}]""");
        await using var stream = await _emulator.Responses.CreateResponseStreamingAsync(Ask.Question(null, "Hello"), Cancel);
        stream.Status.ShouldBe(200);
        stream.Headers.TryGetValue("retry-after", out var after).ShouldBeTrue();
        after.ShouldBe("4");

        var updates = new List<StreamingResponseUpdate>();
        await foreach (var update in stream)
        {
            updates.Add(update);
        }

        updates.Select(update => update.Kind.ToString()).ShouldBe(["response.created", "error", "response.failed"]);
        updates[1].ShouldBeOfType<StreamingResponseErrorUpdate>().Code.ShouldBe("rate_limit_exceeded");
    }

    [Fact]
    public async Task The_pace_is_the_time_between_tokens()
    {
        await _emulator.SetAsync("faults", """[{"pace":10,"longAnswer":20}]""");
        var watch = Stopwatch.StartNew();

        var response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"));

        response.Text.Split(' ').Length.ShouldBe(20);
        watch.ElapsedMilliseconds.ShouldBeGreaterThan(190);
    }

    [Fact]
    public async Task A_tool_storm_never_ends()
    {
        await _emulator.SetAsync("faults", """[{"toolStorm":true}]""");
        var conversation = await _emulator.NewConversationAsync();
        var response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Hello"));
        for (var round = 0; round < 10; round++)
        {
            response = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Outputs(conversation, (response.Calls.ShouldHaveSingleItem().CallId, "{}")));
        }

        response.Calls.ShouldHaveSingleItem().FunctionName.ShouldBe("get_weather");
    }

    [Fact]
    public async Task Arguments_can_be_broken_and_the_model_mends_them_when_told()
    {
        await _emulator.SetAsync("faults", """[{"badToolArguments":true,"times":1}]""");
        var conversation = await _emulator.NewConversationAsync();
        var broken = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(conversation, "Weather in Makati?"));
        broken.CallTexts.ShouldBe(["""get_weather {"city": """]);

        var mended = await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Outputs(conversation, (broken.Calls[0].CallId, "The arguments are not JSON.")));

        mended.CallTexts.ShouldBe(["""get_weather {"city":"Makati","country_code":null}"""]);
    }

    [Fact]
    public async Task A_function_can_be_called_that_does_not_exist()
    {
        await _emulator.SetAsync("faults", """[{"unknownTool":true,"times":1}]""");

        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"))).CallTexts.ShouldBe(["no_such_function {}"]);
    }

    [Fact]
    public async Task Faults_end_when_they_are_deleted()
    {
        await _emulator.SetAsync("faults", """[{"status":500}]""");
        using var deleted = await _emulator.Http.DeleteAsync("emulator/faults", Cancel);

        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await StreamedResponse.ReadAsync(_emulator.Responses, Ask.Question(null, "Hello"))).Completed.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_fault_that_is_misspelled_is_refused()
    {
        using var content = new StringContent("""[{"stallAfterToken":5}]""");
        using var answer = await _emulator.Http.PutAsync("emulator/faults", content, Cancel);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync(Cancel)).ShouldContain("stallAfterToken");
    }
}
