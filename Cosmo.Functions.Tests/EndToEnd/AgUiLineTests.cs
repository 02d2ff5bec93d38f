using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Streams of AG-UI runs while workers stop, are killed, or are several, and who gets none.</summary>
[Collection<OnTwoWorkers>]
public sealed class AgUiLineTests(TwoWorkers two)
{
    private readonly string _thread = $"c-{Guid.NewGuid():n}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_does_not_hold_the_stop_up_and_its_run_goes_on_after_the_next_start()
    {
        await using var stack = await CosmoStack.StartAsync(CosmoStack.Patient, inOwnProcess: true);
        await stack.FaultAsync(LongStory(pace: 100));
        await using var line = await OpenAsync(stack.Http, "long story");
        await line.UntilTextAsync(40);

        await stack.StopFunctionsAsync(Cancellation);
        var last = await line.EndAsync();

        (last["type"]!.GetValue<string>(), last["code"]!.GetValue<string>()).ShouldBe(("RUN_ERROR", "ask_again"));
        await stack.StartFunctionsAsync();
        await using var again = await OpenAsync(stack.Http, "long story");
        (await again.EndAsync())["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
        again.Text.Split(' ').Length.ShouldBe(100);
    }

    [Fact]
    public async Task A_run_is_followed_at_any_worker()
    {
        await two.Stack.FaultAsync(LongStory(pace: 40));
        await using var first = await OpenAsync(two.Stack.SecondHttp, "long story");
        await first.UntilTextAsync(40);
        await using var second = await OpenAsync(two.Stack.Http, "long story");

        var (one, other) = (await first.EndAsync(), await second.EndAsync());

        (one["outcome"]!["type"]!.GetValue<string>(), other["outcome"]!["type"]!.GetValue<string>()).ShouldBe(("success", "success"));
        second.Text.ShouldBe(first.Text);
    }

    [Fact]
    public async Task A_stream_whose_worker_dies_breaks_off_and_its_run_is_found_again()
    {
        await two.Stack.FaultAsync(LongStory(pace: 40));
        await using var line = await OpenAsync(two.Stack.SecondHttp, "long story");
        await line.UntilTextAsync(40);

        await two.Stack.KillWorkerAsync();
        await Should.ThrowAsync<Exception>(line.EndAsync());

        await using var again = await OpenAsync(two.Stack.SecondHttp, "long story");
        (await again.EndAsync())["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
        again.Text.Length.ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task Strangers_get_no_answer_where_users_must_be_signed_in_nor_does_who_is_over_a_limit_and_nothing_of_that_is_queued()
    {
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string> { ["CLIENT_MESSAGES"] = "signed_in", ["USER_MESSAGES_PER_MINUTE"] = "1" });
        using var stranger = await PostAsync(stack.Http, "Hello", "r1", token: null);
        using var tokens = await stack.Http.PostAsJsonAsync($"channels/{_thread}/tokens", new { user = new { id = "ana" } }, Cancellation);
        var token = (await tokens.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["token"]!.GetValue<string>();
        using var first = await PostAsync(stack.Http, "Hello", "r2", token);
        var read = await first.Content.ReadAsStringAsync(Cancellation);
        using var again = await PostAsync(stack.Http, "Hello", "r2", token);
        using var over = await PostAsync(stack.Http, "Hello", "r3", token);
        using var foreign = await PostAsync(stack.Http, "Hello", "r4", "cosmo_nonsense");

        (stranger.StatusCode, stranger.Headers.WwwAuthenticate.Count).ShouldBe((HttpStatusCode.Unauthorized, 1));
        (first.StatusCode, again.StatusCode, foreign.StatusCode).ShouldBe((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized));
        read.ShouldContain("RUN_FINISHED");
        over.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        over.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        (await over.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["detail"]!.GetValue<string>().ShouldStartWith("The limit of 1 messages a minute is reached");
        (await stack.Http.GetFromJsonAsync<JsonObject>("dead-letters", Cancellation))!["dead_letters"]!.AsArray().ShouldBeEmpty();
        var usage = (await stack.Http.GetFromJsonAsync<JsonObject>("usage?by=user", Cancellation))!["rows"]!.AsArray();
        usage.Select(row => (row!["key"]!.GetValue<string>(), row["messages"]!.GetValue<int>())).ShouldBe([("backend:ana", 1)]);
    }

    [Fact]
    public async Task A_run_that_was_refused_behind_the_queue_ends_with_an_error_and_may_be_tried_again_under_its_id()
    {
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string> { ["Cosmo:Conversations:WhenBusy"] = "reject" });
        await stack.FaultAsync("""[{ "userText": "long story", "longAnswer": 60, "pace": 30 }]""");
        await using var first = await OpenAsync(stack.Http, "long story");
        await first.UntilTextAsync(10);

        await using var refused = await OpenAsync(stack.Http, "Hello", "run-2");
        (await refused.EndAsync())["message"]!.GetValue<string>().ShouldBe("I'm receiving too many requests right now. Please try again in a moment.");
        await first.EndAsync();
        await using var again = await OpenAsync(stack.Http, "Hello", "run-2");

        (await again.EndAsync())["outcome"]!["type"]!.GetValue<string>().ShouldBe("success");
    }

    private static string LongStory(int pace) => $$"""[{ "userText": "long story", "longAnswer": 100, "pace": {{pace}} }]""";

    private async Task<Line> OpenAsync(HttpClient http, string question, string runId = "run-1")
    {
        var answer = await PostAsync(http, question, runId, token: null);
        answer.EnsureSuccessStatusCode();
        return new Line(answer, new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation)));
    }

    private async Task<HttpResponseMessage> PostAsync(HttpClient http, string question, string runId, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "agui")
        {
            Content = JsonContent.Create(new { threadId = _thread, runId, messages = new[] { new { id = "m", role = "user", content = question } } }),
            Headers = { Authorization = token is null ? null : new("Bearer", token) },
        };
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    /// <summary>The events of one run as they come.</summary>
    private sealed class Line(HttpResponseMessage answer, StreamReader reader) : IAsyncDisposable
    {
        public string Text { get; private set; } = "";

        public async Task UntilTextAsync(int length)
        {
            while (Text.Length < length)
            {
                (await NextAsync()).ShouldNotBeNull();
            }
        }

        public async Task<JsonObject> EndAsync()
        {
            JsonObject? last = null;
            while (await NextAsync() is { } next)
            {
                last = next;
            }

            return last!;
        }

        public ValueTask DisposeAsync()
        {
            reader.Dispose();
            answer.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task<JsonObject?> NextAsync()
        {
            while (await reader.ReadLineAsync(Cancellation) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    var one = JsonNode.Parse(line["data: ".Length..])!.AsObject();
                    Text += one["type"]!.GetValue<string>() == "TEXT_MESSAGE_CONTENT" ? one["delta"]!.GetValue<string>() : "";
                    return one;
                }
            }

            return null;
        }
    }
}
