using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>How much one user may ask, and what was used, through the whole app.</summary>
public sealed class LimitTests(LimitTests.Fixture fixture) : IClassFixture<LimitTests.Fixture>, IAsyncLifetime
{
    private readonly CosmoStack _stack = fixture.Stack;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _stack.ResetAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_message_over_a_limit_is_refused_and_kept_and_what_was_used_is_told()
    {
        await using var client = await _stack.OpenAsync("limited");
        await SendAsync("m1", "Weather in Makati?", "ana");
        var answered = await client.FinalAsync("m1");
        await SendAsync("m2", "Hello", "ana");
        var refused = await client.FinalAsync("m2");
        await SendAsync("m3", "Hello", "ben");
        var other = await client.FinalAsync("m3");

        var usage = answered["usage"]!.AsObject();
        usage.Select(field => field.Key).ShouldBe(["input_tokens", "cached_input_tokens", "output_tokens", "model", "rounds"]);
        (usage["model"]!.GetValue<string>(), usage["rounds"]!.GetValue<int>()).ShouldBe(("gpt-4o-mini", 2));
        (refused["status"]!.GetValue<string>(), refused["message"]!.GetValue<string>()).ShouldBe(
            ("error", "I'm receiving too many requests right now. Please try again in a moment."));
        refused["error_details"]!.GetValue<string>().ShouldStartWith("The limit of 1 messages a minute is reached; it ends at 20");
        refused.ContainsKey("usage").ShouldBeFalse();
        other["status"]!.GetValue<string>().ShouldBe("completed");
        var rows = (await _stack.Http.GetFromJsonAsync<JsonObject>("usage?days=2&by=user", Cancellation))!["rows"]!.AsArray();
        rows.Where(row => row!["key"] is not null).Select(row => (row!["key"]!.GetValue<string>(), row["messages"]!.GetValue<int>())).ShouldBe([("backend:ana", 1), ("backend:ben", 1)], ignoreOrder: true);
        var ana = rows.Single(row => row!["key"]?.GetValue<string>() == "backend:ana")!;
        (ana["input_tokens"]!.GetValue<long>(), ana["output_tokens"]!.GetValue<long>()).ShouldBe(
            (usage["input_tokens"]!.GetValue<long>(), usage["output_tokens"]!.GetValue<long>()));
        var letter = (await _stack.Http.GetFromJsonAsync<JsonObject>("dead-letters", Cancellation))!["dead_letters"]!.AsArray().Single()!;
        (letter["cause"]!.GetValue<string>(), letter["message_id"]!.GetValue<string>()).ShouldBe(("over_limit", "m2"));
        foreach (var wrong in new[] { "days=0", "days=401", "days=x", "by=color", "by=1" })
        {
            (await _stack.Http.GetAsync("usage?" + wrong, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.BadRequest, wrong);
        }
    }

    [Fact]
    public async Task A_browser_over_a_limit_is_told_at_once_in_whatever_channel_and_nothing_is_kept()
    {
        var asked = await AskedAsync();
        await using var first = await _stack.OpenAsync("one");
        await using var second = await _stack.OpenAsync("other");

        await first.SendAsync(new JsonObject { ["message_id"] = "m1", ["message"] = "Hello" });
        var answered = await first.FinalAsync("m1");
        await second.SendAsync(new JsonObject { ["message_id"] = "m2", ["message"] = "Hello" });
        var refused = await second.FinalAsync("m2");

        answered["status"]!.GetValue<string>().ShouldBe("completed");
        refused["message"]!.GetValue<string>().ShouldBe("I'm receiving too many requests right now. Please try again in a moment.");
        refused["error_details"]!.GetValue<string>().ShouldStartWith("The limit of 1 messages a minute is reached; it ends at 20");
        (await _stack.Http.GetFromJsonAsync<JsonObject>("dead-letters", Cancellation))!["dead_letters"]!.AsArray().ShouldBeEmpty();
        (await AskedAsync()).ShouldBe(asked + 1);
    }

    /// <summary>How often the model was.</summary>
    private async Task<int> AskedAsync() => (await _stack.RequestsAsync()).Count(request => request["path"]!.GetValue<string>().EndsWith("/responses", StringComparison.Ordinal));

    private Task SendAsync(string id, string text, string user) => _stack.Queue.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new { channel = "limited", message_id = id, message = text, user = new { id = user } }));

    public sealed class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new() { ["USER_MESSAGES_PER_MINUTE"] = "1" };
    }
}
