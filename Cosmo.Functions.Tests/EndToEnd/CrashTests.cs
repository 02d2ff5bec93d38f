using Cosmo.Functions.Hosting;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 5: a process that is killed at any moment costs nothing but time.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Killed_before_the_first_event()
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultAsync("""[{ "delayBeforeFirstEvent": 20000, "times": 1 }]""");

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        await UntilAsync(async () => (await stack.RequestsAsync("Makati")).Count == 1);
        await RestartAsync(stack);

        await AnsweredOnceAsync(stack, client);
    }

    [Fact]
    public async Task Killed_during_a_tool()
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultBackendsAsync("""[{ "delay": 20000, "times": 1 }]""");

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        while ((await client.NextAsync())["type"]!.GetValue<string>() != "tool")
        {
        }

        await RestartAsync(stack);

        await AnsweredOnceAsync(stack, client);
        client.Seen.Count(update => update["payload"]!["type"]!.GetValue<string>() == "tool").ShouldBe(1);
    }

    [Fact]
    public async Task Killed_while_the_final_update_is_sent()
    {
        await using var stack = await StartAsync();
        await using var client = await stack.OpenAsync("channel");
        var fence = RedisKeys.ForChannel(stack.RedisPrefix, "fence", "channel") + ":1:msg-1";

        await stack.Queue.SendAsync("channel", "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress");
        await stack.FaultWebPubSubAsync("""{ "send": { "status": 503 } }""");
        await UntilAsync(() => stack.Redis.RunAsync(database => database.HashExistsAsync(fence, "final"), TestContext.Current.CancellationToken));
        await stack.KillAsync();
        await stack.FaultWebPubSubAsync("{}");
        await stack.StartFunctionsAsync();

        await AnsweredOnceAsync(stack, client);
    }

    /// <summary>
    /// Kills at random points while several conversations, some with tools, are under way; then counts. A final update may reach a client twice if the
    /// process dies between the send and the note that it was sent; both have the same sequence, by which a client knows it.
    /// </summary>
    [Fact]
    public async Task Killed_again_and_again_at_random_every_message_is_answered_once()
    {
        const int channels = 6, messages = 3, kills = 7;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"Seed {seed}.");
        var random = new Random(seed);
        string[] questions = ["Weather in Makati?", "Weather in Makati and in Cebu?", "Hello"];
        await using var stack = await StartAsync();
        var clients = await Task.WhenAll(Enumerable.Range(0, channels).Select(channel => stack.OpenAsync($"channel-{channel}")));
        foreach (var message in Enumerable.Range(0, messages))
        {
            foreach (var channel in Enumerable.Range(0, channels))
            {
                await stack.Queue.SendAsync($"channel-{channel}", $"msg-{message}", questions[(message + channel) % questions.Length]);
            }
        }

        for (var kill = 0; kill < kills; kill++)
        {
            await Task.Delay(random.Next(50, 900), TestContext.Current.CancellationToken);
            await RestartAsync(stack);
        }

        foreach (var (client, channel) in clients.Select((client, channel) => (client, channel)))
        {
            var last = await client.FinalAsync($"msg-{messages - 1}", seconds: 60);
            var payloads = client.Rest().Select(update => update["payload"]!).ToList();
            var finals = payloads.Where(payload => payload["final_message"]!.GetValue<bool>()).DistinctBy(payload => payload["sequence"]!.GetValue<long>()).ToList();
            finals.Select(final => $"{final["message_id"]} {final["status"]}").ShouldBe(Enumerable.Range(0, messages).Select(message => $"msg-{message} completed"));
            foreach (var final in finals)
            {
                payloads.Where(payload => payload["message_id"]!.GetValue<string>() == final["message_id"]!.GetValue<string>())
                    .ShouldAllBe(payload => payload["sequence"]!.GetValue<long>() <= final["sequence"]!.GetValue<long>());
            }

            var threadId = last["thread_id"]!.GetValue<string>();
            finals.ShouldAllBe(final => final["thread_id"]!.GetValue<string>() == threadId);
            (await stack.QuestionsAsync(threadId)).ShouldBe(Enumerable.Range(0, messages).Select(message => questions[(message + channel) % questions.Length]));
            (await stack.UnansweredCallsAsync(threadId)).ShouldBeEmpty();
            await client.DisposeAsync();
        }

        (await stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    private static Task<CosmoStack> StartAsync() => CosmoStack.StartAsync(
        openAI: new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(20), TokenPace = TimeSpan.FromMilliseconds(15) });

    private static async Task RestartAsync(CosmoStack stack)
    {
        await stack.KillAsync();
        await stack.StartFunctionsAsync();
    }

    private static async Task AnsweredOnceAsync(CosmoStack stack, ChatClient client)
    {
        var final = await client.FinalAsync("msg-1", seconds: 60);
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");
        await client.FinalAsync("msg-2", seconds: 60);

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
