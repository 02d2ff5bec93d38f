using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 8: Web PubSub goes away and comes back.</summary>
public sealed class DeliveryOutageTests(ToolsFixture shared) : SharedStackTest(shared)
{
    [Fact]
    public async Task Without_Web_PubSub_the_conversation_goes_on_and_the_final_update_is_sent_when_it_is_back()
    {
        await using var client = await Stack.OpenAsync("without-delivery");
        await Stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 150, "pace": 20 }]""");

        await Stack.Queue.SendAsync("without-delivery", "msg-1", "essay");
        var seen = (await client.StatusAsync("in_progress"))["sequence"]!.GetValue<long>();
        await Stack.FaultWebPubSubAsync("""{ "send": { "status": 503 } }""");
        JsonArray missed;
        do
        {
            missed = (await Stack.Http.GetFromJsonAsync<JsonObject>($"channels/without-delivery/updates?after={seen}", TestContext.Current.CancellationToken))!["updates"]!.AsArray();
        }
        while (!missed.Any(update => update!["payload"]!["final_message"]!.GetValue<bool>()));

        await Stack.FaultWebPubSubAsync("{}");
        var final = await client.FinalAsync("msg-1");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        JsonNode.DeepEquals(missed[^1]!["payload"], final).ShouldBeTrue();
        client.Finals().ShouldBe(["msg-1"]);
        (await Stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }
}
