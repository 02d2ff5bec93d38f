using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 5: a process that is killed at any moment costs nothing but time. What is killed is another in each class that inherits.</summary>
public abstract class CrashTests(CrashTests.Fixture fixture)
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";

    [Fact]
    public async Task Killed_before_the_first_event()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "delayBeforeFirstEvent": 20000, "times": 1 }]""");
        var before = (await _stack.RequestsAsync("Makati")).Count;

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await Eventually.IsSoAsync(async () => (await _stack.RequestsAsync("Makati")).Count > before, () => "The model was not asked.", TestContext.Current.CancellationToken, seconds: 30);
        await KillAsync(_stack);

        await AnsweredOnceAsync(client);
    }

    [Fact]
    public async Task Killed_during_a_tool()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultBackendsAsync("""[{ "delay": 20000, "times": 1 }]""");

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        while ((await client.NextAsync())["type"]!.GetValue<string>() != "tool")
        {
        }

        await KillAsync(_stack);

        await AnsweredOnceAsync(client);

        // What is not final is tried for three seconds, which a process that has just started may not keep; who misses it asks for it.
        var kept = (await _stack.Http.GetFromJsonAsync<JsonObject>($"channels/{_channel}/updates", TestContext.Current.CancellationToken))!["updates"]!.AsArray();
        kept.Select(update => update!["payload"]!["tool"]?["state"]!.GetValue<string>()).OfType<string>().ShouldBe(["running", "done"]);
    }

    [Fact]
    public async Task Killed_in_the_text()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress");
        await KillAsync(_stack);

        await AnsweredOnceAsync(client);
    }

    [Fact]
    public async Task Killed_while_the_final_update_is_sent()
    {
        await using var client = await _stack.OpenAsync(_channel);
        var fence = RedisKeys.ForChannel(_stack.RedisPrefix, "fence", _channel) + ":1:msg-1";

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress");
        await _stack.FaultWebPubSubAsync("""{ "send": { "status": 503 } }""");
        await Eventually.IsSoAsync(
            () => _stack.Redis.RunAsync(database => database.HashExistsAsync(fence, "final"), TestContext.Current.CancellationToken),
            () => "No end was recorded.", TestContext.Current.CancellationToken, seconds: 30);
        await KillAsync(_stack);
        await _stack.FaultWebPubSubAsync("{}");

        await AnsweredOnceAsync(client);
    }

    /// <summary>Kills, and starts what does not start again by itself.</summary>
    private protected abstract Task KillAsync(CosmoStack stack);

    private async Task AnsweredOnceAsync(ChatClient client)
    {
        var final = await client.FinalAsync("msg-1", seconds: 120);
        await _stack.Queue.SendAsync(_channel, "msg-2", "Hello");
        await client.FinalAsync("msg-2", seconds: 120);

        final["status"]!.GetValue<string>().ShouldBe("completed");
        final["message"]!.GetValue<string>().ShouldContain("Makati");
        client.Finals().ShouldBe(["msg-1", "msg-2"]);
        client.Seen.Count(update => update["payload"]!["status"]!.GetValue<string>() == "started").ShouldBe(2);
        (await _stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Weather in Makati?", "Hello"]);
        (await _stack.UnansweredCallsAsync(final["thread_id"]!.GetValue<string>())).ShouldBeEmpty();
    }

    public class Fixture : CosmoFixture
    {
        protected override Dictionary<string, string> Settings => new(CosmoStack.Patient);

        protected override int Pace => 15;
    }
}

/// <summary>The host and its worker, as when a machine is lost.</summary>
public sealed class HostCrashTests(HostCrashTests.OwnFixture fixture) : CrashTests(fixture), IClassFixture<HostCrashTests.OwnFixture>
{
    public sealed class OwnFixture : Fixture
    {
        protected override bool InOwnProcess => true;
    }

    private protected override async Task KillAsync(CosmoStack stack)
    {
        await stack.KillAsync();
        await stack.StartFunctionsAsync();
    }
}

/// <summary>The worker alone, as when the app's process crashes. Its activities fail, and the host starts another.</summary>
public sealed class WorkerCrashTests(CrashTests.Fixture fixture) : CrashTests(fixture), IClassFixture<CrashTests.Fixture>
{
    private protected override Task KillAsync(CosmoStack stack) => stack.KillWorkerAsync();
}
