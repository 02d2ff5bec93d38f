using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 4: a message is cancelled, by HTTP or over the connection.</summary>
public sealed class CancelTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private readonly string _channel = $"channel {Guid.NewGuid():n}";
    private ChatClient _client = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 500, "pace": 40 }, { "userText": "nothing", "delayBeforeFirstEvent": 60000 }]""");
        _client = await Stack.OpenAsync(_channel);
    }

    public override async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task An_answer_stops_within_a_second_and_keeps_what_was_said()
    {
        await Stack.Queue.SendAsync(_channel, "msg-1", $"essay {_channel}");
        var said = (await _client.StatusAsync("in_progress"))["message"]!.GetValue<string>();

        using var answer = await CancelAsync("msg-1");
        var asked = TimeProvider.System.GetTimestamp();
        var final = await _client.FinalAsync("msg-1");
        var took = TimeProvider.System.GetElapsedTime(asked);

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("""{"status":"cancelling"}""");
        (final["type"]!.GetValue<string>(), final["status"]!.GetValue<string>()).ShouldBe(("error", "cancelled"));
        final["message"]!.GetValue<string>().ShouldStartWith(said);
        final["message"]!.GetValue<string>().ShouldBe(_client.Seen[^2]["payload"]!["message"]!.GetValue<string>());
        var request = (await Stack.RequestsAsync($"essay {_channel}")).ShouldHaveSingleItem();
        while (request["endedAt"] is null)
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
            request = (await Stack.RequestsAsync($"essay {_channel}")).ShouldHaveSingleItem();
        }

        request["aborted"]!.GetValue<bool>().ShouldBeTrue();
        took.ShouldBeLessThan(TimeSpan.FromSeconds(2));
        await WorksOnAsync();
        (await Stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_message_that_waits_is_cancelled_and_those_around_it_are_answered()
    {
        await Stack.Queue.SendAsync(_channel, "msg-1", "essay");
        await _client.StatusAsync("in_progress");
        await Stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        await Stack.Queue.SendAsync(_channel, "msg-3", "Hello");

        (await CancelledAsync("msg-2"))["message"]!.GetValue<string>().ShouldBe("");
        (await CancelledAsync("msg-1"))["status"]!.GetValue<string>().ShouldBe("cancelled");
        (await _client.FinalAsync("msg-3"))["status"]!.GetValue<string>().ShouldBe("completed");

        _client.Finals().ShouldBe(["msg-2", "msg-1", "msg-3"]);
    }

    [Fact]
    public async Task Cancelling_twice_too_late_or_something_unknown_has_a_clear_answer()
    {
        await Stack.Queue.SendAsync(_channel, "msg-1", "nothing");
        await _client.StatusAsync("started");
        var both = await Task.WhenAll(CancelAsync("msg-1"), CancelAsync("msg-1"));
        await _client.FinalAsync("msg-1");
        using var late = await CancelAsync("msg-1");
        using var unknown = await CancelAsync("msg/unknown");

        both.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.Accepted || answer.StatusCode == HttpStatusCode.Conflict);
        late.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await late.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["title"]!.GetValue<string>().ShouldBe("The message is over");
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        await WorksOnAsync();
        _client.Finals().Count(id => id == "msg-1").ShouldBe(1);
    }

    [Fact]
    public async Task A_browser_cancels_over_its_connection_in_its_own_channel_alone()
    {
        using var other = await ConnectAsync($"other {_channel}");
        using var own = await ConnectAsync(_channel);
        await Stack.Queue.SendAsync(_channel, "msg-1", "essay");
        await _client.StatusAsync("in_progress");

        await other.SendAsync("cancel", new JsonObject { ["message_id"] = "msg-1" });
        var refusal = await other.UntilAsync(payload => payload["error_details"] is not null);
        await own.SendAsync("cancel", new JsonObject { ["message_id"] = "msg-1" });
        var final = await _client.FinalAsync("msg-1");

        refusal["error_details"]!.GetValue<string>().ShouldBe("There is no such message in this channel.");
        refusal["message_id"].ShouldBeNull();
        final["status"]!.GetValue<string>().ShouldBe("cancelled");
    }

    private async Task WorksOnAsync()
    {
        await Stack.Queue.SendAsync(_channel, "msg-after", "Hello");
        (await _client.FinalAsync("msg-after"))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    private Task<HttpResponseMessage> CancelAsync(string messageId) =>
        Stack.Http.PostAsync($"channels/{Uri.EscapeDataString(_channel)}/messages/{Uri.EscapeDataString(messageId)}/cancel", null);

    private async Task<JsonObject> CancelledAsync(string messageId)
    {
        // A message that was only just queued may not have been taken in.
        while (true)
        {
            using var answer = await CancelAsync(messageId);
            if (answer.StatusCode == HttpStatusCode.Accepted)
            {
                return await _client.FinalAsync(messageId);
            }

            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    private async Task<EventSocket> ConnectAsync(string channel)
    {
        using var answer = await Stack.Http.PostAsync($"channels/{Uri.EscapeDataString(channel)}/negotiate", null);
        return await EventSocket.ConnectAsync((await answer.Content.ReadFromJsonAsync<JsonObject>())!["url"]!.GetValue<string>());
    }
}
