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
    private readonly List<string> _added = [];
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
    public async Task A_connection_is_kept_though_its_stream_ends_after_the_last_event_was_read()
    {
        var (connections, left) = (new List<string>(), new TaskCompletionSource());
        await StartAsync(async context =>
        {
            connections.Add(context.Connection.Id);
            await SendAsync(context, Created, Delta(1, "Hello"), Completed);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await left.Task.WaitAsync(context.RequestAborted);
        });

        // A stream that was left comes to its end beside the next question, so that may need a connection of its own.
        for (var asked = 0; asked < 20; asked++)
        {
            await _setup!.AskAsync("conv_1", "Hello");
            left.SetResult();
            left = new TaskCompletionSource();
        }

        connections.Distinct().Count().ShouldBeLessThan(10);
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
    [InlineData("""{"type":"error","error":{"code":429,"type":null}}""", AssistantFailure.RateLimit)]
    [InlineData("""{"error":{"code":"500","message":"litellm.InternalServerError"}}""", AssistantFailure.Other)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"?"}}}""", AssistantFailure.Other)]
    [InlineData("""{"type":"response.failed","response":{"status":"failed","error":null}}""", AssistantFailure.Other)]
    [InlineData("""{"type":"response.output_text.delta","delta":""", AssistantFailure.Connection)]
    public async Task Errors_inside_a_stream_are_understood_in_either_form(string last, object failure)
    {
        await StartAsync(context => SendAsync(context, Created, last));

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
        _posts.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData("""{"code":"context_length_exceeded","message":"Too long."}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"code":null,"type":"invalid_request_error","message":"?"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"code":"400","type":"BadRequestError"}""", AssistantFailure.InvalidRequest)]
    [InlineData("""{"code":null,"type":"insufficient_quota"}""", AssistantFailure.RateLimit)]
    [InlineData("""{"code":"rate_limit_exceeded","message":"Request too large for m on tokens per min (TPM): Limit 30000, Requested 40000."}""", AssistantFailure.RateLimit)]
    [InlineData("""{"code":"invalid_api_key"}""", AssistantFailure.Other)]
    [InlineData("""{"code":"model_not_found"}""", AssistantFailure.Other)]
    [InlineData("""{"code":"content_policy_violation"}""", AssistantFailure.ContentFilter)]
    public async Task What_cannot_pass_is_asked_once_wherever_it_is_said(string error, object failure)
    {
        var inStream = 0;
        await StartAsync(context =>
        {
            switch (inStream++)
            {
                case 0:
                    return SendAsync(context, Created, $$"""{"type":"error","error":{{error}}}""");
                case 1:
                    return SendAsync(context, Created, """{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":ERROR}}""".Replace("ERROR", error));
                default:
                    context.Response.StatusCode = 500;
                    context.Response.ContentType = "application/json";
                    return context.Response.WriteAsync($$"""{"error":{{error}}}""");
            }
        });

        for (var asked = 1; asked <= 2; asked++)
        {
            (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
            _posts.ShouldBe(asked);
        }

        if (!error.Contains("400"))
        {
            (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
            _posts.ShouldBe(3);
        }
    }

    [Theory]
    [InlineData("rate_limit_exceeded", AssistantFailure.RateLimit)]
    [InlineData("server_error", AssistantFailure.Other)]
    public async Task What_ends_a_text_is_told_as_what_it_is(string code, object failure)
    {
        await StartAsync(context => SendAsync(
            context, Created, Delta(1, "Hel"), """{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"CODE"}}}""".Replace("CODE", code)));

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe((AssistantFailure)failure);
        _posts.ShouldBe(1);
    }

    [Fact]
    public async Task An_event_that_cannot_be_read_is_not_asked_for_again_and_again()
    {
        await StartAsync(context => SendAsync(context, Created, """{"type":"response.output_text.delta","delta":"""));

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBe(AssistantFailure.Connection);
        _posts.ShouldBe(3);
    }

    [Fact]
    public async Task A_response_with_an_event_that_cannot_be_read_is_taken_from_the_service()
    {
        await StartAsync(
            context => SendAsync(context, Created, Delta(1, "Hel"), """{"type":"response.output_text.delta","delta":""", Completed),
            get: context => context.Response.WriteAsync(Response("completed").Replace("\"created_at\":1", "\"created_at\":1.77e+09")));
        var heard = new Heard();

        (await _setup!.AskAsync("conv_1", "Hello", heard)).Text.ShouldBe("Hello");
        heard.Text.ShouldBe("Hello");
        _posts.ShouldBe(1);
    }

    [Theory]
    [InlineData("1766440374.77")]
    [InlineData("1.77e+09")]
    [InlineData("\"2026-01-31T12:00:00Z\"")]
    [InlineData("null")]
    [InlineData("NaN")]
    [InlineData("99999999999999999999999")]
    public async Task A_number_of_another_form_harms_nothing(string number)
    {
        await StartAsync(context => SendAsync(
            context,
            Created.Replace("\"created_at\":1", $"\"created_at\":{number}"),
            Delta(1, "Hel").Replace("\"content_index\":0", $"\"content_index\":{number},\"logprobs\":[{{\"logprob\":-Infinity,\"token\":\"\\\"NaN\"}}]"),
            Delta(2, "lo").Replace("\"sequence_number\":2", "\"sequence_number\":\"2.0\""),
            Completed.Replace("\"created_at\":1", $"\"created_at\":{number},\"usage\":{{\"input_tokens\":{number},\"output_tokens\":1.5}}")));
        var heard = new Heard();

        (await _setup!.AskAsync("conv_1", "Hello", heard)).Text.ShouldBe("Hello");
        heard.Text.ShouldBe("Hello");
        _posts.ShouldBe(1);
    }

    [Fact]
    public async Task What_was_streamed_whole_counts_although_the_last_event_lists_no_output()
    {
        await StartAsync(context => SendAsync(
            context,
            Created,
            Delta(1, "Let me look."),
            """{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Let me look."}]}}""",
            """{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"get_weather","arguments":""}}""",
            """{"type":"response.function_call_arguments.delta","output_index":1,"item_id":"fc_1","delta":"{\"city\":"}""",
            """{"type":"response.function_call_arguments.done","output_index":1,"item_id":"fc_1","arguments":"{\"city\":\"Makati\"}"}""",
            """{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"get_weather","arguments":"{}"}}""",
            """{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}"""));
        var heard = new Heard();

        var response = await _setup!.AskAsync("conv_1", "Hello", heard);

        (response.Text, heard.Text).ShouldBe(("Let me look.", "Let me look."));
        response.ToolCalls.ShouldBe([new("call_1", "get_weather", """{"city":"Makati"}"""), new("call_2", "get_weather", "{}")]);
    }

    [Theory]
    [InlineData("\"output_index\":1", "msg_2", true)]
    [InlineData("\"output_index\":0", "msg_2", true)]
    [InlineData("\"output_index\":1", "msg_2", false)]
    [InlineData("\"nothing\":1", "msg_2", false)]
    public async Task Two_messages_of_one_response_are_paragraphs(string index, string id, bool isAnnounced)
    {
        const string first = """{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"Let me look into that."}]}""";
        var second = first.Replace("msg_1", id).Replace("Let me look into that.", "Makati has 31 degrees.");
        await StartAsync(context => SendAsync(
            context,
            Created,
            Delta(1, "Let me look "),
            Delta(2, "into that."),
            isAnnounced ? $$$"""{"type":"response.output_item.added",{{{index}}},"item":{"type":"message","id":"{{{id}}}","role":"assistant","content":[]}}""" : """{"type":"keepalive"}""",
            Delta(3, "Makati has ").Replace("msg_1", id).Replace("\"output_index\":0", index),
            Delta(4, "31 degrees.").Replace("msg_1", id).Replace("\"output_index\":0", index),
            $$$"""{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[{{{first}}},{{{second}}}]}}"""));
        var heard = new Heard();

        var response = await _setup!.AskAsync("conv_1", "Hello", heard);

        response.Text.ShouldBe("Let me look into that.\n\nMakati has 31 degrees.");
        heard.Text.ShouldBe(response.Text);
    }

    [Theory]
    [InlineData("a \\ud83d", "\\ude00 b", "a 😀 b")]
    [InlineData("a \\uD83D", "\\uDE00", "a 😀")]
    [InlineData("a \\ud83d", "b", "a \uFFFDb")]
    [InlineData("a", "\\ude00b", "a\uFFFDb")]
    public async Task An_emoji_that_is_cut_between_two_deltas_is_put_together(string one, string other, string text)
    {
        await StartAsync(context => SendAsync(
            context, Created, Delta(1, one), Delta(2, other), """{"type":"response.completed","response":{"id":"resp_1\ud83d","status":"completed","output":[]}}"""));
        var heard = new Heard();

        (await _setup!.AskAsync("conv_1", "Hello", heard)).Text.ShouldBe(text);
        heard.Text.ShouldBe(text);
    }

    [Fact]
    public async Task An_emoji_that_is_cut_between_its_bytes_is_put_together()
    {
        byte[] smile = [0xF0, 0x9F, 0x98, 0x80];
        await StartAsync(async context =>
        {
            await SendAsync(context, Created);
            foreach (var half in smile.Chunk(2))
            {
                byte[] data = [.. "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\""u8, .. half, .. "\"}\n\n"u8];
                await context.Response.Body.WriteAsync(data, context.RequestAborted);
            }

            await context.Response.Body.WriteAsync("data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n"u8.ToArray(), context.RequestAborted);
        });

        (await _setup!.AskAsync("conv_1", "Hello")).Text.ShouldBe("😀");
    }

    [Theory]
    [InlineData("completed", null)]
    [InlineData("incomplete", "max_output_tokens")]
    public async Task A_response_that_a_gateway_does_not_stream_is_read_in_one_piece(string status, string? incomplete)
    {
        await StartAsync(context =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            return context.Response.WriteAsync(Response(status));
        });
        var heard = new Heard();

        var response = await _setup!.AskAsync("conv_1", "Hello", heard);

        (response.Text, response.Incomplete, heard.Text).ShouldBe(("Hello", incomplete, "Hello"));
    }

    [Theory]
    [InlineData("oops")]
    [InlineData("[]")]
    [InlineData("""{"detail":"?"}""")]
    [InlineData("""{"id":"resp_1","status":"completed","output":{"a":[null]}}""")]
    public async Task An_answer_that_is_no_response_is_classed(string body)
    {
        await StartAsync(context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(body);
        });

        (await _setup!.FailsAsync("conv_1", "Hello")).ShouldBeOneOf(AssistantFailure.Connection, AssistantFailure.Incomplete);
    }

    /// <summary>Events with bytes of each changed, left out, put in or in another order: an answer, or a failure with its cause.</summary>
    [Fact]
    public async Task Whatever_comes_is_an_answer_or_a_failure_of_the_service()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] events =
        [
            Created, Delta(1, "Hel\\ud83d"), Delta(2, "\\ude00lo"), Completed.ReplaceLineEndings(" "),
            """{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"n","arguments":""}}""",
            """{"type":"response.function_call_arguments.delta","output_index":1,"item_id":"fc_1","delta":"{}"}""",
            """{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"n","arguments":"{}"}}""",
            """{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"},"output":[null,1,{}]}}""",
            """{"type":"error","error":{"code":null,"type":"server_error","message":"?"}}""",
        ];
        await StartAsync(async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var sent = 0; sent < 12; sent++)
            {
                var bytes = Encoding.UTF8.GetBytes($"data: {events[random.Next(events.Length)]}\n\n").ToList();
                for (var change = random.Next(4); change > 0; change--)
                {
                    var at = random.Next(bytes.Count);
                    switch (random.Next(3))
                    {
                        case 0:
                            bytes[at] = (byte)random.Next(256);
                            break;
                        case 1:
                            bytes.RemoveAt(at);
                            break;
                        default:
                            bytes.Insert(at, "\\\"{}[]:,u\n"u8[random.Next(10)]);
                            break;
                    }
                }

                await context.Response.Body.WriteAsync(bytes.ToArray(), context.RequestAborted);
            }
        });

        for (var run = 0; run < 500; run++)
        {
            try
            {
                await _setup!.AskAsync("conv_1", "Hello");
            }
            catch (Exception exception) when (exception is not AssistantException)
            {
                Assert.Fail($"seed {seed}, run {run}: {exception}");
            }
            catch (AssistantException)
            {
                // It has a cause.
            }
        }
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
        _added[^1].ShouldContain("\"Hello\"");
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
            if (context.Request.Path.StartsWithSegments("/v1/conversations"))
            {
                return KeepAsync(context);
            }

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

    /// <summary>A conversation that is empty, and remembers what is added.</summary>
    private async Task KeepAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        _added.Add(await reader.ReadToEndAsync());
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync("""{"object":"list","data":[],"has_more":false}""");
    }
}
