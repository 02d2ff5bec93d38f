using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Messages that wait together are asked together, and a message may take another's place.</summary>
public sealed class BurstTests(BurstTests.Fixture fixture) : IClassFixture<BurstTests.Fixture>, IAsyncLifetime
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";
    private ChatClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _client = await _stack.OpenAsync(_channel);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact]
    public async Task Three_messages_that_wait_are_asked_together_and_each_has_its_own_end()
    {
        await BusyAsync();
        await SendAsync("msg-2", "Weather in Makati?");
        await SendAsync("msg-3", "Weather in Cebu?");
        await SendAsync("msg-4", "Hello");
        await SendAsync("msg-5", "Hello", user: "ben");

        var finals = new List<JsonObject>();
        foreach (var messageId in (string[])["msg-1", "msg-2", "msg-3", "msg-4", "msg-5"])
        {
            finals.Add(await _client.FinalAsync(messageId));
        }

        finals.ShouldAllBe(final => final["status"]!.GetValue<string>() == "completed");
        finals[1]["message"]!.GetValue<string>().ShouldSatisfyAllConditions(text => text.ShouldContain("Makati"), text => text.ShouldContain("Cebu"));
        finals.Skip(1).Take(3).Select(final => final["message"]!.GetValue<string>()).Distinct().ShouldHaveSingleItem();
        finals.Select(final => final["answered_by"]?.GetValue<string>()).ShouldBe([null, null, "msg-2", "msg-2", null]);
        finals.Select(final => final["usage"] is not null).ShouldBe([true, true, false, false, true]);
        _client.Finals().ShouldBe(["msg-1", "msg-2", "msg-3", "msg-4", "msg-5"]);
        Started().ShouldBe([("msg-1", "essay"), ("msg-2", "Weather in Makati?"), ("msg-3", "Weather in Cebu?"), ("msg-4", "Hello"), ("msg-5", "Hello")]);
        (await HistoryAsync(limit: 1)).ShouldBe([
            ("msg-5", "assistant"), ("msg-5", "user"), ("msg-2", "assistant"), ("msg-4", "user"), ("msg-3", "user"), ("msg-2", "user"), ("msg-1", "assistant"), ("msg-1", "user")]);
        (await BodiesAsync(5)).ShouldBeEmpty();
        (await CountAsync()).ShouldBe(5);
    }

    [Fact]
    public async Task Messages_that_were_asked_together_fail_each_for_itself_and_each_is_kept()
    {
        await BusyAsync("""{ "userText": "fails", "status": 400 }""");
        string[] messageIds = ["msg-2", "msg-3", "msg-4"];
        foreach (var messageId in messageIds)
        {
            await SendAsync(messageId, $"{messageId} fails");
        }

        var letters = new List<(string Cause, string Body)>();
        foreach (var messageId in messageIds)
        {
            (await _client.FinalAsync(messageId))["status"]!.GetValue<string>().ShouldBe("error");
            var (headers, body, _) = await _stack.Queue.NextDeadLetterAsync();
            letters.Add((headers["x-cosmo-cause"], JsonNode.Parse(body)!["message_id"]!.GetValue<string>()));
        }

        letters.ShouldBe(messageIds.Select(messageId => ("invalid_request", messageId)), ignoreOrder: true);
        (await _stack.RequestsAsync("msg-4 fails")).Count.ShouldBe(1);
        (await AskAsync("msg-5", "Hello"))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task To_cancel_one_of_those_that_are_asked_together_cancels_all_and_keeps_what_was_seen()
    {
        await BusyAsync("""{ "userText": "stop me", "longAnswer": 500, "pace": 40 }""");
        await SendAsync("msg-2", "Hello");
        await SendAsync("msg-3", "stop me");
        await _client.FinalAsync("msg-1");
        await _client.StatusAsync("in_progress");

        using var cancelled = await _stack.Http.PostAsync($"channels/{_channel}/messages/msg-3/cancel", null, Cancellation);
        var first = await _client.FinalAsync("msg-2");
        var second = await _client.FinalAsync("msg-3");

        cancelled.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (first["status"]!.GetValue<string>(), second["status"]!.GetValue<string>()).ShouldBe(("cancelled", "cancelled"));
        second["message"]!.GetValue<string>().ShouldBe(first["message"]!.GetValue<string>());
        await AskAsync("msg-4", "Hello");
        (await HistoryAsync()).Skip(2).Take(3).ShouldBe([("msg-2", "assistant"), ("msg-3", "user"), ("msg-2", "user")]);
        (await _stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_worker_that_dies_in_an_answer_to_several_costs_none_of_them()
    {
        await BusyAsync("""{ "userText": "carefully", "longAnswer": 100, "pace": 15, "times": 1 }""");
        await SendAsync("msg-2", "Weather in Makati?");
        await SendAsync("msg-3", "carefully");
        await _client.FinalAsync("msg-1");
        await _client.StatusAsync("in_progress");

        await _stack.KillWorkerAsync();

        var first = await _client.FinalAsync("msg-2", seconds: 60);
        var second = await _client.FinalAsync("msg-3", seconds: 60);
        (first["status"]!.GetValue<string>(), second["status"]!.GetValue<string>(), second["answered_by"]!.GetValue<string>()).ShouldBe(("completed", "completed", "msg-2"));
        second["message"]!.GetValue<string>().ShouldBe(first["message"]!.GetValue<string>());
        await AskAsync("msg-4", "Hello");
        _client.Finals().ShouldBe(["msg-1", "msg-2", "msg-3", "msg-4"]);
        (await QuestionsAsync()).ShouldBe(["essay", "Weather in Makati?", "carefully", "Hello"]);
    }

    [Fact]
    public async Task A_message_takes_the_place_of_an_earlier_one_and_of_all_after_it_once()
    {
        await AskAsync("msg-1", "Hello 1");
        await AskAsync("msg-2", "Weather in Makati?");
        await AskAsync("msg-3", "Hello 3");

        await AskAsync("msg-4", "Weather in Cebu?", replaces: "msg-2");
        (await QuestionsAsync()).ShouldBe(["Hello 1", "Weather in Cebu?"]);
        (await HistoryAsync()).ShouldBe([("msg-4", "assistant"), ("msg-4", "user"), ("msg-1", "assistant"), ("msg-1", "user")]);
        _client.Seen.Select(update => update["payload"]!["replaces"]?.GetValue<string>()).OfType<string>().ShouldBe(["msg-2"]);
        (await FeedbackAsync("msg-3"), await FeedbackAsync("msg-4")).ShouldBe((HttpStatusCode.NotFound, HttpStatusCode.NoContent));

        await AskAsync("msg-5", "Hello 5");
        await SendAsync("msg-4", "Weather in Cebu?", replaces: "msg-2");
        await AskAsync("msg-6", "Hello 5", replaces: "msg-5");

        (await QuestionsAsync()).ShouldBe(["Hello 1", "Weather in Cebu?", "Hello 5"]);
        _client.Finals().ShouldBe(["msg-1", "msg-2", "msg-3", "msg-4", "msg-5", "msg-6"]);
        (await _stack.UnansweredCallsAsync(await ThreadAsync())).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_under_way_or_waits_is_cancelled_and_replaced()
    {
        await AskAsync("msg-0", "Hello 0");
        await BusyAsync();
        await SendAsync("msg-2", "Hello 2");
        await SendAsync("msg-3", "Hello 3", replaces: "msg-1");

        (await _client.FinalAsync("msg-1"))["status"]!.GetValue<string>().ShouldBe("cancelled");
        (await _client.FinalAsync("msg-3"))["status"]!.GetValue<string>().ShouldBe("completed");

        _client.Finals().ShouldBe(["msg-0", "msg-1", "msg-2", "msg-3"], ignoreOrder: true);
        (await QuestionsAsync()).ShouldBe(["Hello 0", "Hello 3"]);
    }

    [Fact]
    public async Task What_the_channel_has_not_had_is_not_replaced_and_the_message_is_kept()
    {
        await AskAsync("msg-1", "Hello");
        var other = $"other-{_channel}";
        await using var listener = await _stack.OpenAsync(other);
        await _stack.Queue.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { channel = other, message_id = "msg-2", message = "Hello", replaces = "msg-1" }));

        var final = await listener.FinalAsync("msg-2");
        var letter = await _stack.Queue.NextDeadLetterAsync();
        final["error_details"]!.GetValue<string>().ShouldBe("Field 'replaces' names a message that this channel has not had: 'msg-1'");
        letter.Headers["x-cosmo-cause"].ShouldBe("unknown_message");
        (await RefusalAsync(new { message = "Hello", message_id = "msg-3", replaces = "nothing" })).ShouldContain("'nothing'");
        (await RefusalAsync(new { message = "Hello", message_id = "msg-3", replaces = "msg-3" })).ShouldContain("Field 'replaces' must not be the message's own id.");
        (await QuestionsAsync()).ShouldBe(["Hello"]);
    }

    /// <summary>Sends a message that keeps the channel's turn for a second.</summary>
    private async Task BusyAsync(string? fault = null)
    {
        await _stack.FaultAsync($$"""[{{(fault is null ? "" : fault + ",")}} { "userText": "essay", "longAnswer": 60, "pace": 15 }]""");
        await SendAsync("msg-1", "essay");
        await _client.StatusAsync("in_progress");
    }

    private Task SendAsync(string messageId, string message, string? replaces = null, string user = "ana") => _stack.Queue.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new { channel = _channel, message_id = messageId, message, replaces, user = new { id = user } }));

    private async Task<JsonObject> AskAsync(string messageId, string message, string? replaces = null)
    {
        await SendAsync(messageId, message, replaces);
        var final = await _client.FinalAsync(messageId);
        final["status"]!.GetValue<string>().ShouldBe("completed");
        return final;
    }

    private IEnumerable<(string MessageId, string Question)> Started() => _client.Seen.Select(update => update["payload"]!)
        .Where(payload => payload["status"]!.GetValue<string>() == "started")
        .Select(payload => (payload["message_id"]!.GetValue<string>(), payload["question"]!.GetValue<string>()));

    private async Task<IReadOnlyList<(string? MessageId, string Role)>> HistoryAsync(int limit = 100)
    {
        var read = new List<(string?, string)>();
        for (var query = $"?limit={limit}"; query.Length > 0;)
        {
            var page = (await _stack.Http.GetFromJsonAsync<JsonObject>($"channels/{_channel}/messages{query}", Cancellation))!;
            read.AddRange(page["messages"]!.AsArray().Select(message => (message!["message_id"]?.GetValue<string>(), message["role"]!.GetValue<string>())));
            query = page["next"] is { } next ? $"?limit={limit}&before={next}" : "";
        }

        return read;
    }

    private async Task<HttpStatusCode> FeedbackAsync(string messageId)
    {
        using var answer = await _stack.Http.PostAsJsonAsync($"channels/{_channel}/messages/{messageId}/feedback", new { rating = "up" }, Cancellation);
        return answer.StatusCode;
    }

    private async Task<string> RefusalAsync(object message)
    {
        using var answer = await _stack.Http.PostAsJsonAsync($"channels/{_channel}/messages", message, Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["detail"]!.GetValue<string>();
    }

    private async Task<IEnumerable<string>> BodiesAsync(int messages)
    {
        var kept = new List<string>();
        foreach (var messageId in Enumerable.Range(1, messages).Select(number => $"msg-{number}"))
        {
            var key = $"{RedisKeys.ForChannel(_stack.RedisPrefix, "body", _channel)}:1:{messageId}";
            kept.AddRange(await _stack.Redis.RunAsync(database => database.KeyExistsAsync(key), Cancellation) ? [messageId] : []);
        }

        return kept;
    }

    private async Task<int> CountAsync() => JsonNode.Parse((string)(await _stack.Redis.RunAsync(
        database => database.StringGetAsync($"{_stack.RedisPrefix}metadata:{_channel}"), Cancellation))!)!["message_count"]!.GetValue<int>();

    private async Task<IReadOnlyList<string>> QuestionsAsync() => await _stack.QuestionsAsync(await ThreadAsync());

    private Task<string> ThreadAsync() => _stack.Redis.RunAsync(
        async database => (string)(await database.StringGetAsync(RedisKeys.Thread(_stack.RedisPrefix, _channel)))!, Cancellation);

    public sealed class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new(CosmoStack.Patient) { ["Cosmo:Conversations:WhenBusy"] = "merge" };
    }
}
