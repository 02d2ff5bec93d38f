using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Clients that get of a text only what is new each time, beside one of the old kind.</summary>
public sealed class DeltaTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private readonly string _channel = $"team/{Guid.NewGuid():n}%";

    [Fact]
    public async Task The_pieces_of_a_long_answer_are_its_text_and_what_the_old_client_gets_is_as_it_was()
    {
        var question = $"tell {_channel}";
        await Stack.FaultAsync($$"""[{ "userText": "{{question}}", "longAnswer": 1500, "pace": 1 }]""");
        await using var old = await Stack.OpenAsync(_channel);
        await using var client = await Stack.OpenAsync(_channel, "?text=delta");

        await Stack.Queue.SendAsync(_channel, "msg-1", question);
        var (final, whole) = (await client.FinalAsync("msg-1"), await old.FinalAsync("msg-1"));

        var text = whole["message"]!.GetValue<string>();
        text.Length.ShouldBeGreaterThan(5_000);
        JsonNode.DeepEquals(final, whole).ShouldBeTrue(final.ToJsonString());
        var pieces = Payloads(client).Where(payload => payload.ContainsKey("text")).ToList();
        pieces.Count.ShouldBeGreaterThan(10);
        Assembled(pieces).ShouldBe(text[..Assembled(pieces).Length]);
        pieces.ShouldAllBe(payload => !payload.ContainsKey("message") && payload["status"]!.GetValue<string>() == "in_progress");

        // All of it once, whatever the number of pieces.
        pieces.Sum(payload => payload["text"]!.GetValue<string>().Length).ShouldBeLessThanOrEqualTo(text.Length);
        Payloads(old).Select(Sequence).ShouldBe(Payloads(client).Select(Sequence));
        Payloads(old).ShouldAllBe(payload => payload.ContainsKey("message") && !payload.ContainsKey("text") && !payload.ContainsKey("offset"));
        var texts = Payloads(old).Where(payload => payload["status"]!.GetValue<string>() == "in_progress").Select(payload => payload["message"]!.GetValue<string>()).ToList();
        texts.ShouldAllBe(one => text.StartsWith(one, StringComparison.Ordinal));
        foreach (var (one, other) in Payloads(old).Zip(Payloads(client)).Where(pair => !pair.Second.ContainsKey("text")))
        {
            JsonNode.DeepEquals(one, other).ShouldBeTrue(other.ToJsonString());
        }
    }

    [Fact]
    public async Task No_emoji_is_cut_whatever_pieces_the_model_gives()
    {
        const string answer = "Sun 😀 and 🌧️ rain 🎉🎉 and so on, for as long as there are 👩‍👩‍👧 people under 🌍 clouds 😀😀😀😀😀😀😀😀";
        var question = $"emoji {_channel}";
        await Stack.FaultAsync($$"""[{ "userText": "{{question}}", "splitEmoji": true, "pace": 30 }]""");
        await Stack.ScriptAsync($$"""[{ "userText": "{{question}}", "text": "{{answer}}" }]""");
        await using var client = await Stack.OpenAsync(_channel, "?text=delta");

        await Stack.Queue.SendAsync(_channel, "msg-1", question);
        (await client.FinalAsync("msg-1"))["message"]!.GetValue<string>().ShouldBe(answer);

        var pieces = Payloads(client).Where(payload => payload.ContainsKey("text")).ToList();
        pieces.Count.ShouldBeGreaterThan(2);
        pieces.ShouldAllBe(payload => !payload["text"]!.GetValue<string>().Contains('\ufffd'));
        answer.ShouldStartWith(Assembled(pieces));
    }

    [Fact]
    public async Task Who_comes_in_the_middle_finds_all_of_it_in_the_log_and_goes_on_from_there()
    {
        var question = $"long {_channel}";
        await Stack.FaultAsync($$"""[{ "userText": "{{question}}", "longAnswer": 200, "pace": 20 }]""");
        await using var first = await Stack.OpenAsync(_channel, "?text=delta");
        await Stack.Queue.SendAsync(_channel, "msg-1", question);
        while ((await first.StatusAsync("in_progress"))["offset"]!.GetValue<int>() < 100)
        {
        }

        await using var second = await Stack.OpenAsync(_channel, "?text=delta");
        var log = JsonNode.Parse(await Stack.Http.GetStringAsync($"channels/{RouteName.Write(_channel)}/updates", TestContext.Current.CancellationToken))!["updates"]!.AsArray();
        var whole = log.Select(update => update!["payload"]!.AsObject()).Single(payload => payload["status"]!.GetValue<string>() == "in_progress");
        var final = (await second.FinalAsync("msg-1"))["message"]!.GetValue<string>();

        whole.ContainsKey("offset").ShouldBeFalse();
        var later = Payloads(second).Where(payload => payload.ContainsKey("text") && Sequence(payload) > Sequence(whole)).ToList();
        later[0]["offset"]!.GetValue<int>().ShouldBeLessThanOrEqualTo(whole["message"]!.GetValue<string>().Length);
        final.ShouldStartWith(later.Aggregate(whole["message"]!.GetValue<string>(), Append));
    }

    private static IEnumerable<JsonObject> Payloads(ChatClient client) => client.Seen.Select(update => update["payload"]!.AsObject());

    private static long Sequence(JsonObject payload) => payload["sequence"]!.GetValue<long>();

    private static string Assembled(IEnumerable<JsonObject> pieces) => pieces.Aggregate("", Append);

    private static string Append(string text, JsonObject piece)
    {
        var offset = piece["offset"]!.GetValue<int>();
        offset.ShouldBeLessThanOrEqualTo(text.Length);
        return text[..offset] + piece["text"]!.GetValue<string>();
    }
}
