using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 9: a client that was away asks for what it missed.</summary>
public sealed class ResumeTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private readonly string _channel = $"channel/{Guid.NewGuid():n}";

    [Fact]
    public async Task A_client_that_was_away_in_the_middle_of_an_answer_has_the_same_text_as_one_that_was_not()
    {
        await Stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 1000, "pace": 2 }]""");
        await using var present = await Stack.OpenAsync(_channel);
        long seen;
        await using (var leaving = await Stack.OpenAsync(_channel))
        {
            await Stack.Queue.SendAsync(_channel, "msg-1", "essay");
            seen = (await leaving.StatusAsync("in_progress"))["sequence"]!.GetValue<long>();
        }

        for (var i = 0; i < 20; i++)
        {
            await present.NextAsync();
        }

        var amid = await MissedAsync(seen);
        var final = await present.FinalAsync("msg-1");
        var missed = await MissedAsync(seen);

        // Of a text that grows there is one state, however many were sent.
        amid.ShouldHaveSingleItem()!["payload"]!["status"]!.GetValue<string>().ShouldBe("in_progress");
        amid[0]!["payload"]!["sequence"]!.GetValue<long>().ShouldBeGreaterThan(seen);
        JsonNode.DeepEquals(missed.ShouldHaveSingleItem()!["payload"], final).ShouldBeTrue();
        missed.ToJsonString().Length.ShouldBeLessThan(final.ToJsonString().Length + 100);
        (await MissedAsync(final["sequence"]!.GetValue<long>())).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sequences_grow_by_update_within_a_channel()
    {
        await Stack.FaultAsync("[]");
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await Stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        await client.FinalAsync("msg-2");

        var sequences = client.Seen.Select(update => update["payload"]!["sequence"]!.GetValue<long>()).ToList();
        sequences.Zip(sequences.Skip(1)).ShouldAllBe(pair => pair.Second == pair.First + 1);
    }

    private async Task<JsonArray> MissedAsync(long after) =>
        (await Stack.Http.GetFromJsonAsync<JsonObject>($"channels/{Uri.EscapeDataString(_channel)}/updates?after={after}", TestContext.Current.CancellationToken))!["updates"]!.AsArray();
}
