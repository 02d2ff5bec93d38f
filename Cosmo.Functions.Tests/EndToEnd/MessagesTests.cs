using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>What was said in a channel can be read again, and the model knows all of it that a user saw.</summary>
public sealed class MessagesTests(MessagesTests.Fixture fixture) : IClassFixture<MessagesTests.Fixture>, IAsyncLifetime
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";
    private ChatClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 500, "pace": 40 }, { "userText": "stalls", "stallAfterTokens": 40 }, { "userText": "fails", "failAfterTokens": 40, "pace": 10 }]""");
        _client = await _stack.OpenAsync(_channel);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact]
    public async Task Messages_stand_there_newest_first_with_the_tools_that_an_answer_called()
    {
        var first = await AskAsync("msg-1", "Weather in Makati?");
        var second = await AskAsync("msg-2", "Hello");

        var page = await ReadAsync("");

        page.ContainsKey("next").ShouldBeFalse();
        page["messages"]!.AsArray().Select(Describe).ShouldBe([
            ("msg-2", "assistant", second, "completed", null),
            ("msg-2", "user", "Hello", null, null),
            ("msg-1", "assistant", first, "completed", "get_weather"),
            ("msg-1", "user", "Weather in Makati?", null, null),
        ]);
        var times = page["messages"]!.AsArray().Select(message => message!["created_at"]!.GetValue<DateTimeOffset>()).ToList();
        times.ShouldBeInOrder(SortDirection.Descending);
        (await _stack.Http.GetFromJsonAsync<JsonObject>($"operator/channels/{_channel}/messages", Cancellation))!.ToJsonString().ShouldBe(page.ToJsonString());
        var (threadLives, historyLives) = (await LivesAsync($"thread:{_channel}"), await LivesAsync($"history:{{{_channel}}}"));
        historyLives.ShouldBeInRange(threadLives, threadLives + TimeSpan.FromMinutes(1));
        (await LivesAsync($"history_order:{{{_channel}}}")).ShouldBe(historyLives, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Pages_give_each_message_once(int limit)
    {
        await AskAsync("msg-1", "Weather in Makati?");
        await AskAsync("msg-2", "Hello");
        await AskAsync("msg-3", "Weather in Cebu?");
        var all = (await ReadAsync(""))["messages"]!.AsArray().Select(message => message!.ToJsonString()).ToList();
        all.Count.ShouldBe(6);

        var read = new List<string>();
        for (var (query, pages) = ($"?limit={limit}", 0); query.Length > 0 && pages < 10; pages++)
        {
            var page = await ReadAsync(query);
            page["messages"]!.AsArray().Count.ShouldBeLessThanOrEqualTo(limit);
            read.AddRange(page["messages"]!.AsArray().Select(message => message!.ToJsonString()));
            query = page["next"] is { } next ? $"?limit={limit}&before={next}" : "";
        }

        read.ShouldBe(all);
    }

    [Theory]
    [InlineData("limit=0", "'limit'")]
    [InlineData("limit=101", "'limit'")]
    [InlineData("limit=x", "'limit'")]
    [InlineData("before=nonsense", "'before'")]
    [InlineData("before=%20", "'before'")]
    [InlineData("before=bXNnX29mX2Fub3RoZXI", "'before'")]
    public async Task What_is_no_page_is_refused(string query, string named)
    {
        await AskAsync("msg-1", "Hello");

        using var answer = await _stack.Http.GetAsync($"channels/{_channel}/messages?{query}", Cancellation);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain(named);
    }

    [Fact]
    public async Task A_channel_without_a_thread_or_whose_conversation_is_gone_has_none_and_an_outage_is_said()
    {
        (await ReadAsync(""))["messages"]!.AsArray().ShouldBeEmpty();
        await AskAsync("msg-1", "Hello");

        await _stack.FaultAsync("""[{ "endpoint": "conversations", "status": 503 }]""");
        using var away = await _stack.Http.GetAsync($"channels/{_channel}/messages", Cancellation);
        away.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await away.Content.ReadAsStringAsync(Cancellation)).ShouldContain("OpenAI is not available");
        await _stack.FaultAsync("[]");

        using var openAI = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Delete, new Uri(_stack.OpenAI.Url, $"/v1/conversations/{await ThreadAsync()}")) { Headers = { Authorization = new("Bearer", "test") } };
        (await openAI.SendAsync(request, Cancellation)).EnsureSuccessStatusCode();
        (await ReadAsync(""))["messages"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_that_was_cancelled_stands_there_as_its_user_saw_it_and_the_model_knows_it()
    {
        await AskAsync("msg-0", "Hello");
        await _stack.Queue.SendAsync(_channel, "msg-1", $"essay {_channel}");
        await _client.StatusAsync("in_progress");
        using var cancelled = await _stack.Http.PostAsync($"channels/{_channel}/messages/msg-1/cancel", null, Cancellation);
        var shown = (await _client.FinalAsync("msg-1"))["message"]!.GetValue<string>();

        var next = await AskAsync("msg-2", "Hello");

        shown.ShouldNotBeEmpty();
        (await SaidAsync()).TakeLast(4).ShouldBe([("user", $"essay {_channel}"), ("assistant", shown), ("user", "Hello"), ("assistant", next)]);
        (await ReadAsync("?limit=4"))["messages"]!.AsArray().Select(Describe).ShouldBe([
            ("msg-2", "assistant", next, "completed", null),
            ("msg-2", "user", "Hello", null, null),
            ("msg-1", "assistant", shown, "cancelled", null),
            ("msg-1", "user", $"essay {_channel}", null, null),
        ]);
    }

    [Fact]
    public async Task An_answer_that_stalled_stands_there_too_also_twice_with_the_same_words()
    {
        await _stack.Queue.SendAsync(_channel, "msg-1", "stalls");
        var first = await _client.StatusAsync("in_progress");
        (await _client.FinalAsync("msg-1"))["type"]!.GetValue<string>().ShouldBe("timeout");
        await _stack.Queue.SendAsync(_channel, "msg-2", "stalls");
        (await _client.FinalAsync("msg-2"))["type"]!.GetValue<string>().ShouldBe("timeout");
        var next = await AskAsync("msg-3", "Hello");

        var messages = (await ReadAsync(""))["messages"]!.AsArray().Select(Describe).ToList();

        messages.Select(message => (message.MessageId, message.Role, message.Status)).ShouldBe([
            ("msg-3", "assistant", "completed"), ("msg-3", "user", null), ("msg-2", "assistant", "timeout"), ("msg-2", "user", null), ("msg-1", "assistant", "timeout"), ("msg-1", "user", null)]);
        messages[4].Text.ShouldStartWith(first["message"]!.GetValue<string>());
        (await SaidAsync()).ShouldBe(messages.AsEnumerable().Reverse().Select(message => (message.Role, message.Text)));
    }

    [Fact]
    public async Task An_answer_that_stalled_after_a_tool_has_one_question_and_all_that_was_seen()
    {
        await _stack.ScriptAsync("""
            [{ "userText": "look first", "text": "Let me look.", "calls": [{ "name": "get_weather", "arguments": { "city": "Makati" } }] },
             { "userText": "look first", "text": ["It ", "is ", "sunny ", "today."] }]
            """);
        await _stack.FaultAsync("""[{ "userText": "look first", "skip": 1, "stallAfterTokens": 3 }]""");
        await _stack.Queue.SendAsync(_channel, "msg-1", "look first");
        (await _client.FinalAsync("msg-1"))["type"]!.GetValue<string>().ShouldBe("timeout");
        var shown = _client.Seen[^2]["payload"]!["message"]!.GetValue<string>();
        await AskAsync("msg-2", "Hello");

        var messages = (await ReadAsync(""))["messages"]!.AsArray().Select(Describe).ToList();

        shown.ShouldStartWith("Let me look.\n\nIt ");
        messages.Skip(2).ShouldBe([("msg-1", "assistant", shown, "timeout", "get_weather"), ("msg-1", "user", "look first", null, null)]);
        (await _stack.QuestionsAsync(await ThreadAsync())).ShouldBe(["look first", "Hello"]);
        (await _stack.UnansweredCallsAsync(await ThreadAsync())).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_that_failed_stands_there_as_its_user_saw_it_and_the_model_knows_it()
    {
        await _stack.Queue.SendAsync(_channel, "msg-1", "fails");
        (await _client.FinalAsync("msg-1"))["status"]!.GetValue<string>().ShouldBe("error");
        var shown = _client.Seen[^2]["payload"]!["message"]!.GetValue<string>();
        var next = await AskAsync("msg-2", "Hello");

        var messages = (await ReadAsync(""))["messages"]!.AsArray().Select(Describe).ToList();

        shown.ShouldNotBeEmpty();
        messages.ShouldBe([
            ("msg-2", "assistant", next, "completed", null), ("msg-2", "user", "Hello", null, null), ("msg-1", "assistant", shown, "error", null), ("msg-1", "user", "fails", null, null)]);
        (await SaidAsync()).ShouldBe(messages.AsEnumerable().Reverse().Select(message => (message.Role, message.Text)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task A_message_that_was_tried_again_stands_there_once_as_it_ended_last(int limit)
    {
        await _stack.Queue.SendAsync(_channel, "msg-1", "stalls");
        (await _client.FinalAsync("msg-1"))["type"]!.GetValue<string>().ShouldBe("timeout");
        var between = await AskAsync("msg-2", "Hello");
        await _stack.FaultAsync("[]");
        var letters = (await _stack.Http.GetFromJsonAsync<JsonObject>("dead-letters", Cancellation))!["dead_letters"]!.AsArray();
        var letter = letters.Single(one => one!["channel"]!.GetValue<string>() == _channel)!["id"];

        (await _stack.Http.PostAsync($"dead-letters/{letter}/replay", null, Cancellation)).EnsureSuccessStatusCode();
        var again = await _client.FinalAsync("msg-1");

        again["status"]!.GetValue<string>().ShouldBe("completed");
        var read = new List<(string? MessageId, string Role, string Text, string? Status, string? Tools)>();
        for (var query = $"?limit={limit}"; query.Length > 0;)
        {
            var page = await ReadAsync(query);
            read.AddRange(page["messages"]!.AsArray().Select(Describe));
            query = page["next"] is { } next ? $"?limit={limit}&before={next}" : "";
        }

        read.ShouldBe([
            ("msg-1", "assistant", again["message"]!.GetValue<string>(), "completed", null), ("msg-1", "user", "stalls", null, null), ("msg-2", "assistant", between, "completed", null), ("msg-2", "user", "Hello", null, null)]);
    }

    private async Task<string> AskAsync(string messageId, string text)
    {
        await _stack.Queue.SendAsync(_channel, messageId, text);
        var final = await _client.FinalAsync(messageId);
        final["status"]!.GetValue<string>().ShouldBe("completed");
        return final["message"]!.GetValue<string>();
    }

    private async Task<JsonObject> ReadAsync(string query) => (await _stack.Http.GetFromJsonAsync<JsonObject>($"channels/{_channel}/messages{query}", Cancellation))!;

    private Task<string> ThreadAsync() => _stack.Redis.RunAsync(
        async database => (string)(await database.StringGetAsync(RedisKeys.Thread(_stack.RedisPrefix, _channel)))!, Cancellation);

    private async Task<TimeSpan> LivesAsync(string key) =>
        (await _stack.Redis.RunAsync(database => database.KeyTimeToLiveAsync(_stack.RedisPrefix + key), Cancellation)).ShouldNotBeNull();

    /// <summary>The messages of the conversation at the model's service, oldest first.</summary>
    private async Task<IEnumerable<(string Role, string Text)>> SaidAsync() => (await _stack.ItemsAsync(await ThreadAsync()))
        .Where(item => item["type"]!.GetValue<string>() == "message")
        .Select(item => (item["role"]!.GetValue<string>(), item["content"]![0]!["text"]!.GetValue<string>()));

    private static (string? MessageId, string Role, string Text, string? Status, string? Tools) Describe(JsonNode? message) => (
        message!["message_id"]?.GetValue<string>(), message["role"]!.GetValue<string>(), message["text"]!.GetValue<string>(), message["status"]?.GetValue<string>(),
        message["tools"] is JsonArray tools ? string.Join(',', tools.Select(tool => tool!.GetValue<string>())) : null);

    public sealed class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new() { ["Cosmo:Conversations:FirstEventSeconds"] = "5", ["Cosmo:Conversations:OverallSeconds"] = "6" };
    }
}
