using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 1: at a deadline the client is told once, the model's work stops, and the message is kept.</summary>
public sealed class DeadlineTests(DeadlineTests.Fixture fixture) : IClassFixture<DeadlineTests.Fixture>
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";

    [Theory]
    [InlineData("""[{ "userText": "late", "delayBeforeHeaders": 60000 }]""", "no_first_response", "The assistant is taking too long to respond. Please try again.", "No response received from assistant")]
    [InlineData("""[{ "userText": "late", "delayBeforeFirstEvent": 60000 }]""", "no_first_response", "The assistant is taking too long to respond. Please try again.", "No response received from assistant")]
    [InlineData("""[{ "userText": "late", "stallAfterTokens": 5 }]""", "overall", "The request is taking longer than expected to process. Please try again.", "Processing exceeded 8 second timeout limit")]
    [InlineData("""[{ "userText": "late", "longAnswer": 5000, "pace": 20 }]""", "overall", "The request is taking longer than expected to process. Please try again.", "Processing exceeded 8 second timeout limit")]
    public async Task At_the_deadline_the_client_is_told_once_the_model_stops_and_the_message_is_kept(string faults, string cause, string sentence, string details)
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync(faults);

        await _stack.Queue.SendAsync(_channel, "msg-1", $"late {_channel}");
        var final = await client.FinalAsync("msg-1");

        (final["type"]!.GetValue<string>(), final["status"]!.GetValue<string>(), final["message"]!.GetValue<string>(), final["error_details"]!.GetValue<string>())
            .ShouldBe(("timeout", "error", sentence, details));
        var letter = await _stack.Queue.NextDeadLetterAsync();
        letter.Headers["x-cosmo-cause"].ShouldBe(cause);
        JsonNode.Parse(letter.Body)!["message_id"]!.GetValue<string>().ShouldBe("msg-1");
        (await _stack.RequestsAsync($"late {_channel}")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();

        await _stack.FaultAsync("[]");
        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        (await client.FinalAsync("msg-2"))["status"]!.GetValue<string>().ShouldBe("completed");
        client.Seen.Select(update => update["payload"]!["message_id"]!.GetValue<string>()).ShouldBeInOrder();
        client.Finals().ShouldBe(["msg-1", "msg-2"]);
    }

    [Fact]
    public async Task A_stream_that_ends_without_a_terminal_event_is_a_failure()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "userText": "broken", "endAfterTokens": 5 }]""");

        await _stack.Queue.SendAsync(_channel, "msg-1", "broken");
        var final = await client.FinalAsync("msg-1");

        (final["type"]!.GetValue<string>(), final["message"]!.GetValue<string>())
            .ShouldBe(("error", "I'm having trouble connecting to my services. Please try again in a moment."));
        (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("connection");
    }

    [Fact]
    public async Task A_deadline_and_the_last_token_race()
    {
        const int channels = 16;
        var clients = await Task.WhenAll(Enumerable.Range(0, channels).Select(number => _stack.OpenAsync($"{_channel}-{number}")));
        var faults = Enumerable.Range(0, channels).Select(number => $$"""{ "userText": "race {{number:00}}", "delayBeforeFirstEvent": {{2800 + (20 * number)}} }""");
        await _stack.FaultAsync($"[{string.Join(", ", faults)}]");

        foreach (var number in Enumerable.Range(0, channels))
        {
            await _stack.Queue.SendAsync($"{_channel}-{number}", "msg-1", $"race {number:00}");
        }

        var timeouts = 0u;
        foreach (var (client, number) in clients.Select((client, number) => (client, number)))
        {
            var final = await client.FinalAsync("msg-1");
            timeouts += final["type"]!.GetValue<string>() == "timeout" ? 1u : 0u;
            await _stack.Queue.SendAsync($"{_channel}-{number}", "msg-2", "Hello");
            await client.FinalAsync("msg-2");
            client.Finals().ShouldBe(["msg-1", "msg-2"]);
            client.Seen.Select(update => update["payload"]!["message_id"]!.GetValue<string>()).ShouldBeInOrder();
            await client.DisposeAsync();
        }

        for (var letter = 0; letter < timeouts; letter++)
        {
            (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("no_first_response");
        }

        (await _stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
        TestContext.Current.TestOutputHelper!.WriteLine($"{timeouts} of {channels} were late.");
    }

    public sealed class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new()
        {
            ["Cosmo:Conversations:FirstEventSeconds"] = "3",
            ["Cosmo:Conversations:OverallSeconds"] = "8",
        };
    }
}
