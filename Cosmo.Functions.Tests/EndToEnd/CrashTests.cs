using Cosmo.Functions.Hosting;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 5: a process that is killed at any moment costs nothing but time: the host with its worker, or the worker alone, whose activities then fail.</summary>
public sealed class CrashTests
{
    [Theory]
    [InlineData(Killed.Everything)]
    [InlineData(Killed.Worker)]
    public async Task Killed_before_the_first_event(Killed killed)
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultAsync("""[{ "delayBeforeFirstEvent": 20000, "times": 1 }]""");

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        await UntilAsync(async () => (await stack.RequestsAsync("Makati")).Count == 1);
        await KillAsync(stack, killed);

        await AnsweredOnceAsync(stack, client);
    }

    [Theory]
    [InlineData(Killed.Everything)]
    [InlineData(Killed.Worker)]
    public async Task Killed_during_a_tool(Killed killed)
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultBackendsAsync("""[{ "delay": 20000, "times": 1 }]""");

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        while ((await client.NextAsync())["type"]!.GetValue<string>() != "tool")
        {
        }

        await KillAsync(stack, killed);

        await AnsweredOnceAsync(stack, client);
        client.Seen.Count(update => update["payload"]!["type"]!.GetValue<string>() == "tool").ShouldBe(1);
    }

    [Theory]
    [InlineData(Killed.Everything)]
    [InlineData(Killed.Worker)]
    public async Task Killed_in_the_text(Killed killed)
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress");
        await KillAsync(stack, killed);

        await AnsweredOnceAsync(stack, client);
    }

    [Theory]
    [InlineData(Killed.Everything)]
    [InlineData(Killed.Worker)]
    public async Task Killed_while_the_final_update_is_sent(Killed killed)
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        var fence = RedisKeys.ForChannel(stack.RedisPrefix, "fence", "channel") + ":1:msg-1";

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress");
        await stack.FaultWebPubSubAsync("""{ "send": { "status": 503 } }""");
        await UntilAsync(() => stack.Redis.RunAsync(database => database.HashExistsAsync(fence, "final"), TestContext.Current.CancellationToken));
        await KillAsync(stack, killed);
        await stack.FaultWebPubSubAsync("{}");

        await AnsweredOnceAsync(stack, client);
    }

    /// <summary>What is killed.</summary>
    public enum Killed
    {
        /// <summary>The host and its worker, as when a machine is lost.</summary>
        Everything,

        /// <summary>The worker, as when the app's process crashes.</summary>
        Worker,
    }

    private static Task<CosmoStack> StartAsync() => CosmoStack.StartAsync(
        CosmoStack.Patient, new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(20), TokenPace = TimeSpan.FromMilliseconds(15) });

    /// <summary>Kills, and starts what does not start again by itself.</summary>
    private static async Task KillAsync(CosmoStack stack, Killed killed)
    {
        if (killed == Killed.Worker)
        {
            await stack.KillWorkerAsync();
            return;
        }

        await stack.KillAsync();
        await stack.StartFunctionsAsync();
    }

    private static async Task AnsweredOnceAsync(CosmoStack stack, ChatClient client)
    {
        var final = await client.FinalAsync("msg-1", seconds: 120);
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");
        await client.FinalAsync("msg-2", seconds: 120);

        final["status"]!.GetValue<string>().ShouldBe("completed");
        final["message"]!.GetValue<string>().ShouldContain("Makati");
        client.Finals().ShouldBe(["msg-1", "msg-2"]);
        client.Seen.Count(update => update["payload"]!["status"]!.GetValue<string>() == "started").ShouldBe(2);
        (await stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Weather in Makati?", "Hello"]);
        (await stack.UnansweredCallsAsync(final["thread_id"]!.GetValue<string>())).ShouldBeEmpty();
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await isSo())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
