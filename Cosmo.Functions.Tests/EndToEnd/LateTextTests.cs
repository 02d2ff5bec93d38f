using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 2: text that left before the end of its message does not arrive after it, also at a front end that looks at no sequence.</summary>
public sealed class LateTextTests(ToolsFixture shared) : SharedStackTest(shared)
{
    /// <summary>Longer than a stopped activity is waited for, shorter than an update is tried.</summary>
    private const string SlowSends = """{"delayMs": 2500}""";

    private readonly string _channel = $"channel {Guid.NewGuid():n}";

    [Fact]
    public async Task Text_that_hangs_when_its_message_is_cancelled_does_not_come_behind_the_end()
    {
        await Stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 500, "pace": 40 }]""");
        await using var client = await Stack.OpenAsync(_channel);
        await Stack.Queue.SendAsync(_channel, "msg-1", "essay");
        await client.StatusAsync("in_progress");

        await Stack.FaultWebPubSubAsync(SlowSends);
        await HangsAsync(client);
        await Stack.FaultWebPubSubAsync("{}");
        using var answer = await Stack.Http.PostAsync($"channels/{Uri.EscapeDataString(_channel)}/messages/msg-1/cancel", null, TestContext.Current.CancellationToken);
        var final = await client.FinalAsync("msg-1");

        // What hung would have arrived before the first of this.
        await Stack.FaultWebPubSubAsync(SlowSends);
        await Stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        (await client.NextAsync())["message_id"]!.GetValue<string>().ShouldBe("msg-2");
        await Stack.FaultWebPubSubAsync("{}");

        final["status"]!.GetValue<string>().ShouldBe("cancelled");
        client.Seen.SkipWhile(update => update["payload"] != final).Skip(1).ShouldAllBe(update => update["payload"]!["message_id"]!.GetValue<string>() == "msg-2");
    }

    /// <summary>Waits until a text has left that does not arrive, however often one looks.</summary>
    private async Task HangsAsync(ChatClient client)
    {
        var seen = client.Rest()[^1]["payload"]!["sequence"]!.GetValue<long>();
        for (var (waiting, times) = (0L, 0); times < 20;)
        {
            var log = JsonNode.Parse(await Stack.Http.GetStringAsync($"channels/{Uri.EscapeDataString(_channel)}/updates?after={seen}", TestContext.Current.CancellationToken))!;
            var newest = log["updates"]!.AsArray().Select(update => update!["payload"]!["sequence"]!.GetValue<long>()).DefaultIfEmpty(0).Max();
            times = newest == waiting && newest > client.Rest()[^1]["payload"]!["sequence"]!.GetValue<long>() ? times + 1 : 0;
            waiting = newest;
        }
    }
}
