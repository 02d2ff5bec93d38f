using System.Net;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>What users think of answers, over HTTP.</summary>
public sealed class FeedbackTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task The_last_word_on_an_answer_counts_and_the_newest_comes_first()
    {
        await AnsweredAsync("first", "m1");
        await AnsweredAsync("second", "m/2");
        (await GiveAsync("first", "m1", """{"rating": "up", "comment": "Fine."}""")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await GiveAsync("second", "m%2F2", """{"rating": "up", "comment": null, "other": 7}""")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await GiveAsync("first", "m1", """{"rating": "down", "comment": "It rained."}""")).Status.ShouldBe(HttpStatusCode.NoContent);

        (await ListAsync("")).ShouldBe([("first", "m1", "down", "It rained."), ("second", "m/2", "up", null)]);
        (await ListAsync("?days=1&rating=down")).ShouldBe([("first", "m1", "down", "It rained.")]);
        (await ListAsync("?rating=up")).ShouldBe([("second", "m/2", "up", null)]);
    }

    [Theory]
    [InlineData("", "'rating'")]
    [InlineData("[]", "'rating'")]
    [InlineData("{}", "'rating'")]
    [InlineData("""{"rating": "UP"}""", "'rating'")]
    [InlineData("""{"rating": 1}""", "'rating'")]
    [InlineData("""{"rating": "up", "comment": 7}""", "'comment'")]
    [InlineData("""{"rating": "up", "comment": "\ud800"}""", "'comment'")]
    public async Task What_is_no_feedback_is_refused_with_the_field(string body, string named)
    {
        await AnsweredAsync("first", "m1");

        var (status, problem) = await GiveAsync("first", "m1", body);

        status.ShouldBe(HttpStatusCode.BadRequest);
        problem!["detail"]!.GetValue<string>().ShouldContain(named);
        (await ListAsync("")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_comment_has_two_thousand_characters_at_most()
    {
        await AnsweredAsync("first", "m1");

        (await GiveAsync("first", "m1", new JsonObject { ["rating"] = "up", ["comment"] = new string('é', 2_001) }.ToJsonString())).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await GiveAsync("first", "m1", new JsonObject { ["rating"] = "up", ["comment"] = new string('é', 2_000) }.ToJsonString())).Status.ShouldBe(HttpStatusCode.NoContent);
        (await GiveAsync("first", "m1", new string(' ', 65_537))).Status.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_message_that_is_not_known_has_none()
    {
        await AnsweredAsync("first", "m1");

        (await GiveAsync("first", "m2", """{"rating": "up"}""")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await GiveAsync("second", "m1", """{"rating": "up"}""")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("days=0", "'days'")]
    [InlineData("days=91", "'days'")]
    [InlineData("days=x", "'days'")]
    [InlineData("rating=fine", "'rating'")]
    public async Task A_list_of_something_else_is_refused(string query, string named)
    {
        var (status, problem) = await Host.SendAsync("GET", "feedback?" + query);

        status.ShouldBe(HttpStatusCode.BadRequest);
        problem!["detail"]!.GetValue<string>().ShouldContain(named);
    }

    [Fact]
    public async Task It_is_erased_with_its_channel_and_so_is_what_is_known_of_its_messages()
    {
        await AnsweredAsync("gone", "m1");
        await AnsweredAsync("kept", "m1");
        await GiveAsync("gone", "m1", """{"rating": "down", "comment": "Secret."}""");
        await GiveAsync("kept", "m1", """{"rating": "up"}""");

        (await Host.SendAsync("DELETE", "threads/gone?confirm=DELETE")).Status.ShouldBe(HttpStatusCode.OK);

        (await ListAsync("")).ShouldBe([("kept", "m1", "up", null)]);
        (await GiveAsync("gone", "m1", """{"rating": "up"}""")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Host.SendAsync("GET", "channels/gone/messages")).Body!["messages"]!.AsArray().ShouldBeEmpty();
        var keys = await Host.Stack.Redis.RunAsync(async database => (string[])(await database.ExecuteAsync("KEYS", Host.Stack.RedisPrefix + "*"))!, Cancellation);
        keys.Where(key => key.Contains("gone")).ShouldBeEmpty();
    }

    private Task<(HttpStatusCode Status, JsonObject? Body)> GiveAsync(string channel, string messageId, string body) =>
        Host.SendAsync("POST", $"channels/{channel}/messages/{messageId}/feedback", body);

    private async Task<IEnumerable<(string Channel, string MessageId, string Rating, string? Comment)>> ListAsync(string query)
    {
        var body = (await Host.SendAsync("GET", "feedback" + query)).Body!;
        body["truncated"]!.GetValue<bool>().ShouldBeFalse();
        return body["feedback"]!.AsArray().Select(one => (
            one!["channel"]!.GetValue<string>(), one["message_id"]!.GetValue<string>(), one["rating"]!.GetValue<string>(), one["comment"]?.GetValue<string>()));
    }

    private async Task AnsweredAsync(string channel, string messageId)
    {
        await Host.SendAsync("POST", $"channels/{channel}/messages", new JsonObject { ["message_id"] = messageId, ["message"] = "Hello" }.ToJsonString());
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while ((await Host.SendAsync("GET", $"conversations/{Uri.EscapeDataString(messageId)}?channel={channel}")).Body!["status"]?.ToString() != "completed")
        {
            await Task.Delay(50, limit.Token);
        }
    }
}
