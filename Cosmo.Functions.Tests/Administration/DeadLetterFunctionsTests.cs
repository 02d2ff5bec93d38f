using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>Promise 10: dead letters are looked through, replayed and deleted over HTTP.</summary>
public sealed class DeadLetterFunctionsTests(DeadLetterFunctionsTests.Fixture fixture) : IClassFixture<DeadLetterFunctionsTests.Fixture>
{
    private const string Broken = """[{ "userText": "broken", "status": 400, "body": { "error": { "message": "bad", "code": "bad" } } }]""";

    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_replayed_letter_is_answered_as_the_next_attempt_and_is_gone()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync(Broken);
        await _stack.Queue.SendAsync(_channel, "msg-1", "broken");
        await client.FinalAsync("msg-1");
        var letter = await LetterAsync("?body=true");

        await _stack.FaultAsync("[]");
        using var replay = await _stack.Http.PostAsync($"dead-letters/{letter["id"]}/replay", null, TestContext.Current.CancellationToken);
        var final = await client.FinalAsync("msg-1");

        letter.Select(field => field.Key).ShouldBe(["id", "cause", "reason", "failed_at", "attempt", "channel", "message_id", "body"]);
        (letter["cause"]!.GetValue<string>(), letter["attempt"]!.GetValue<int>(), letter["message_id"]!.GetValue<string>()).ShouldBe(("invalid_request", 1, "msg-1"));
        JsonNode.Parse(letter["body"]!.GetValue<string>())!["message"]!.GetValue<string>().ShouldBe("broken");
        (await replay.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("""{"replayed":1}""");
        final["status"]!.GetValue<string>().ShouldBe("completed");
        (await LettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_replay_that_fails_again_is_a_letter_of_the_second_attempt()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync(Broken);
        await _stack.Queue.SendAsync(_channel, "msg-1", "broken");
        await client.FinalAsync("msg-1");
        await LetterAsync();

        using var replay = await _stack.Http.PostAsync("dead-letters/replay?cause=invalid_request", null, TestContext.Current.CancellationToken);
        replay.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await client.FinalAsync("msg-1");
        (await EndAsync(replay.Headers.Location!))["progress"]!["replayed"]!.GetValue<long>().ShouldBe(1);
        var letter = await LetterAsync();
        using var deleted = await _stack.Http.DeleteAsync($"dead-letters/{letter["id"]}", TestContext.Current.CancellationToken);

        letter["attempt"]!.GetValue<int>().ShouldBe(2);
        letter.ContainsKey("body").ShouldBeFalse();
        deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await LettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Many_are_replayed_no_faster_than_was_asked_and_each_is_answered_once_though_the_worker_dies_meanwhile()
    {
        const int letters = 40;
        foreach (var number in Enumerable.Range(1, letters))
        {
            await _stack.Queue.Channel.BasicPublishAsync(
                "",
                _stack.Queue.FailedQueue,
                mandatory: true,
                new BasicProperties { Headers = new Dictionary<string, object?> { ["x-cosmo-id"] = $"letter-{number}", ["x-cosmo-cause"] = "connection" } },
                JsonSerializer.SerializeToUtf8Bytes(new { channel = $"{_channel}-{number}", message_id = "msg-1", message = "Hello" }),
                TestContext.Current.CancellationToken);
        }

        using var none = await _stack.Http.PostAsync("dead-letters/replay?cause=none", null, TestContext.Current.CancellationToken);
        using var replay = await _stack.Http.PostAsync("dead-letters/replay?cause=connection&rate=10", null, TestContext.Current.CancellationToken);
        await _stack.KillWorkerAsync();
        var ended = await EndAsync(replay.Headers.Location!);

        none.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (ended["status"]!.GetValue<string>(), ended["progress"]!["total"]!.GetValue<long>(), ended["progress"]!["replayed"]!.GetValue<long>()).ShouldBe(("completed", letters, letters));
        ended["seconds"]!.GetValue<double>().ShouldBeGreaterThan(2);
        foreach (var number in Enumerable.Range(1, letters))
        {
            (await FinalsAsync($"{_channel}-{number}")).ShouldHaveSingleItem()["status"]!.GetValue<string>().ShouldBe("completed");
        }

        (await LettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_not_there_is_a_404_and_a_function_key_does_not_open_them()
    {
        using var replay = await _stack.Http.PostAsync("dead-letters/none/replay", null, TestContext.Current.CancellationToken);
        using var delete = await _stack.Http.DeleteAsync("dead-letters/none", TestContext.Current.CancellationToken);
        using var stranger = new HttpClient { BaseAddress = _stack.Http.BaseAddress };
        using var refused = await stranger.GetAsync("dead-letters", TestContext.Current.CancellationToken);

        replay.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        delete.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    private async Task<JsonArray> LettersAsync(string query = "")
    {
        var list = await _stack.Http.GetFromJsonAsync<JsonObject>("dead-letters" + query, TestContext.Current.CancellationToken);
        list!["truncated"]!.GetValue<bool>().ShouldBeFalse();
        list["count"]!.GetValue<int>().ShouldBe(list["dead_letters"]!.AsArray().Count);
        return list["dead_letters"]!.AsArray();
    }

    private async Task<JsonObject> EndAsync(Uri operation)
    {
        while (true)
        {
            var answer = (await _stack.Http.GetFromJsonAsync<JsonObject>(operation, TestContext.Current.CancellationToken))!;
            if (answer["status"]!.GetValue<string>() is not ("pending" or "running"))
            {
                return answer;
            }

            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a channel was told the end of something, and returns all the ends that it was told.</summary>
    private async Task<List<JsonNode>> FinalsAsync(string channel)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var log = await _stack.Http.GetFromJsonAsync<JsonObject>($"operator/channels/{channel}/updates", limit.Token);
            var finals = log!["updates"]!.AsArray().Select(update => update!["payload"]!).Where(payload => payload["final_message"]!.GetValue<bool>()).ToList();
            if (finals.Count > 0)
            {
                return finals;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>Waits for the one letter: it is written after the client was told.</summary>
    private async Task<JsonObject> LetterAsync(string query = "")
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            if (await LettersAsync(query) is { Count: > 0 } letters)
            {
                return letters.ShouldHaveSingleItem()!.AsObject();
            }

            await Task.Delay(50, limit.Token);
        }
    }

    public sealed class Fixture : CosmoFixture;
}
