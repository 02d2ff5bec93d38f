using System.Text;
using Cosmo.Functions.Assistants;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Assistants;

/// <summary>Streams as no good service sends them.</summary>
public sealed class OddStreamTests : IAsyncDisposable
{
    private const string Created = """{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}""";
    private const string Completed = """
        {"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":
        [{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[]}]}]}}
        """;

    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private HttpStub? _openAI;
    private AssistantSetup? _setup;
    private int _posts;

    public async ValueTask DisposeAsync()
    {
        if (_setup is not null)
        {
            await _setup.DisposeAsync();
        }

        if (_openAI is not null)
        {
            await _openAI.DisposeAsync();
        }
    }

    [Fact]
    public async Task Reading_stops_at_the_last_event_though_the_connection_stays_open()
    {
        await StartAsync(async context =>
        {
            await SendAsync(context, Created, Delta(1, "Hello"), Completed);
            context.RequestAborted.Register(_closed.SetResult);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });

        (await _setup!.AskAsync("conv_1", "Hello")).Text.ShouldBe("Hello");
        await _closed.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Repeated_and_unknown_events_are_ignored()
    {
        await StartAsync(context => SendAsync(
            context,
            Created,
            """{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}}""",
            """{"type":"keepalive","sequence_number":2}""",
            """{"type":"response.brand_new.delta","sequence_number":3,"delta":{"a":[1]}}""",
            Delta(4, "Hel"),
            Created,
            Delta(4, "Hel"),
            Delta(5, "lo"),
            Completed));
        var heard = new Heard();

        await _setup!.AskAsync("conv_1", "Hello", heard);

        heard.Text.ShouldBe("Hello");
        heard.ResponseIds.ShouldBe(["resp_1"]);
    }

    [Fact]
    public async Task Events_without_numbers_are_all_heard()
    {
        await StartAsync(context => SendAsync(
            context,
            """{"type":"response.output_text.delta","delta":"Hel"}""",
            """{"type":"response.output_text.delta","delta":"lo"}""",
            Completed));
        var heard = new Heard();

        await _setup!.AskAsync("conv_1", "Hello", heard);

        heard.Text.ShouldBe("Hello");
    }

    [Fact]
    public async Task A_stream_with_event_ids_that_breaks_does_not_ask_the_question_again_behind_our_back()
    {
        var heard = new TaskCompletionSource();
        await StartAsync(async context =>
        {
            if (heard.Task.IsCompleted)
            {
                await SendAsync(context, Created, Delta(1, "Hello"), Completed);
                return;
            }

            await SendAsync(context, "retry: 1\nid: 1\n", Created, Delta(1, "Hel"));
            await heard.Task.WaitAsync(context.RequestAborted);
            context.Abort();
        });

        (await _setup!.FailsAsync("conv_1", "Hello", new Heard { OnText = () => heard.TrySetResult() })).ShouldBe(AssistantFailure.Connection);

        // The next question is asked long after the client would have asked the first one again.
        await _setup!.AskAsync("conv_1", "Hello");
        _posts.ShouldBe(2);
    }

    [Fact]
    public async Task A_second_response_in_one_stream_counts_as_a_break()
    {
        await StartAsync(context => SendAsync(context, Created, Delta(1, "Hel"), Created.Replace("resp_1", "resp_2"), Delta(1, "Hel"), Completed));
        var heard = new Heard();

        (await _setup!.FailsAsync("conv_1", "Hello", heard)).ShouldBe(AssistantFailure.Connection);
        heard.Text.ShouldBe("Hel");
    }

    [Theory]
    [InlineData("""{"type":"error","error":{"code":"rate_limit_exceeded","message":"Slow down."}}""", AssistantFailure.RateLimit)]
    [InlineData("""{"type":"error","code":"rate_limit_exceeded","message":"Slow down.","param":null}""", AssistantFailure.RateLimit)]
    [InlineData("""{"type":"error","error":{"message":"?"}}""", AssistantFailure.Other)]
    [InlineData("""{"type":"response.output_text.delta","delta":""", AssistantFailure.Connection)]
    public async Task Errors_inside_a_stream_are_understood_in_either_form(string last, object failure)
    {
        await StartAsync(context => SendAsync(context, Created, last));

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
        _posts.ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_refusal_is_what_the_model_says()
    {
        await StartAsync(context => SendAsync(
            context,
            Created,
            """{"type":"response.refusal.delta","sequence_number":1,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"I cannot."}""",
            Completed.Replace("""{"type":"output_text","text":"Hello","annotations":[]}""", """{"type":"refusal","refusal":"I cannot."}""")));
        var heard = new Heard();

        (await _setup!.AskAsync("conv_1", "Hello", heard)).Text.ShouldBe("I cannot.");
        heard.Text.ShouldBe("I cannot.");
    }

    [Fact]
    public async Task An_answer_that_says_nothing_is_no_answer()
    {
        await StartAsync(context => SendAsync(context, Created, Completed.Replace("\"Hello\"", "\"\"")));

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe(AssistantFailure.Incomplete);
    }

    [Theory]
    [InlineData(502, "text/html", "<html>Bad gateway</html>", AssistantFailure.Other)]
    [InlineData(400, "application/json", "[]", AssistantFailure.InvalidRequest)]
    [InlineData(404, "application/json", """{"error":{"message":"The model `m` does not exist","code":"model_not_found"}}""", AssistantFailure.Other)]
    [InlineData(418, "text/plain", "", AssistantFailure.InvalidRequest)]
    public async Task Errors_of_whatever_form_are_classed(int status, string type, string body, object failure)
    {
        await StartAsync(context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            return context.Response.WriteAsync(body);
        });

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
    }

    [Fact]
    public async Task A_service_that_is_not_there_is_a_failed_connection()
    {
        await StartAsync(_ => Task.CompletedTask);
        await _openAI!.DisposeAsync();
        _openAI = null;

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe(AssistantFailure.Connection);
    }

    [Fact]
    public async Task A_response_that_is_still_being_made_is_waited_for()
    {
        var asked = 0;
        await StartAsync(_ => Task.CompletedTask, get: context => context.Response.WriteAsync(
            Interlocked.Increment(ref asked) < 4 ? Response("in_progress") : Response("completed")));
        var heard = new Heard();

        var response = await _setup!.Assistant.RespondAsync(
            _setup.Question("conv_1", "Hello", "resp_1"), heard, TestContext.Current.CancellationToken);

        response.Text.ShouldBe("Hello");
        heard.Text.ShouldBe("Hello");
        _posts.ShouldBe(0);
    }

    [Fact]
    public async Task A_response_that_never_becomes_whole_is_given_up_in_time()
    {
        await StartAsync(_ => Task.CompletedTask, get: context => context.Response.WriteAsync(Response("in_progress")));
        var request = _setup!.Question("conv_1", "Hello", "resp_1");

        var exception = await Should.ThrowAsync<AssistantException>(
            _setup.Assistant.RespondAsync(request, new Heard(), TestContext.Current.CancellationToken));

        exception.Failure.ShouldBe(AssistantFailure.Timeout);
        _setup.Time.GetUtcNow().ShouldBeLessThanOrEqualTo(request.RetryUntil);
        _posts.ShouldBe(0);
    }

    private static string Delta(int number, string text) =>
        $$"""{"type":"response.output_text.delta","sequence_number":{{number}},"item_id":"msg_1","output_index":0,"content_index":0,"delta":"{{text}}"}""";

    private static string Response(string status) => Completed[Completed.IndexOf("{\"id\"", StringComparison.Ordinal)..Completed.LastIndexOf('}')]
        .Replace("\"created_at\":1,\"status\":\"completed\"", $"\"created_at\":1,\"status\":\"{status}\"");

    private static async Task SendAsync(HttpContext context, params string[] events)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var data in events)
        {
            var text = data.StartsWith('{') ? $"data: {data.ReplaceLineEndings(" ")}\n\n" : data;
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private async Task StartAsync(Func<HttpContext, Task> post, Func<HttpContext, Task>? get = null)
    {
        _openAI = await HttpStub.StartAsync(context =>
        {
            if (context.Request.Method == "POST")
            {
                Interlocked.Increment(ref _posts);
                return post(context);
            }

            context.Response.ContentType = "application/json";
            if (get is not null)
            {
                return get(context);
            }

            context.Response.StatusCode = 404;
            return context.Response.WriteAsync("""{"error":{"message":"Response with id 'resp_1' not found.","type":"invalid_request_error","param":null,"code":null}}""");
        });
        _setup = new AssistantSetup(_openAI.Url);
    }
}
