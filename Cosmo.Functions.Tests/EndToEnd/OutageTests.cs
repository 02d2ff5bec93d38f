using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Promise 8: Redis and RabbitMQ go away and come back.</summary>
public sealed class OutageTests
{
    private const string Unreachable = "I'm having trouble connecting to my services. Please try again in a moment.";

    /// <summary>Redis takes any from its default user.</summary>
    private const string Password = "s3cret-of-Redis";

    private const string Essay = """[{ "userText": "essay", "longAnswer": 150, "pace": 20 }]""";

    [Fact]
    public async Task Without_Redis_the_client_is_told_and_the_message_kept_and_an_outage_within_the_deadlines_costs_time_alone()
    {
        await using var redis = new RedisServer();
        await redis.StartAsync();
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string>
        {
            ["REDIS_URL"] = redis.Url.Replace("redis://", $"redis://default:{Password}@", StringComparison.Ordinal),
            ["Cosmo:Redis:CallTimeoutSeconds"] = "1",
            ["Cosmo:Conversations:FirstEventSeconds"] = "6",
        });
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultAsync(Essay);

        // In the middle of an answer, and back in time.
        await stack.Queue.SendAsync("channel", "msg-1", "essay");
        await client.StatusAsync("in_progress");
        await redis.StopAsync();
        await stack.WroteAsync("could not be recorded", TestContext.Current.CancellationToken);
        await redis.StartAsync();
        var interrupted = await client.FinalAsync("msg-1", seconds: 60);

        // Away from the beginning, for longer than anybody waits.
        await redis.StopAsync();
        await stack.Queue.SendAsync("channel", "msg-2", "Hello");
        var refused = await client.FinalAsync("msg-2", seconds: 60);
        var letter = await stack.Queue.NextDeadLetterAsync();
        await redis.StartAsync();
        await stack.Queue.SendAsync("channel", "msg-3", "Hello");
        var after = await client.FinalAsync("msg-3", seconds: 60);

        interrupted["status"]!.GetValue<string>().ShouldBe("completed");
        refused["message"]!.GetValue<string>().ShouldBe(Unreachable);
        refused.ContainsKey("sequence").ShouldBeFalse();
        letter.Headers["x-cosmo-cause"].ShouldBe("redis");
        after["status"]!.GetValue<string>().ShouldBe("completed");
        client.Finals().ShouldBe(["msg-1", "msg-2", "msg-3"]);
        stack.Output.ShouldNotContain(Password);
    }

    [Fact]
    public async Task A_Redis_that_loses_everything_costs_at_most_order()
    {
        await using var redis = new RedisServer();
        await redis.StartAsync();
        await using var stack = await CosmoStack.StartAsync(
            new Dictionary<string, string> { ["REDIS_URL"] = redis.Url },
            new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.Zero, TokenPace = TimeSpan.FromMilliseconds(10) });
        await using var client = await stack.OpenAsync("channel");
        foreach (var number in Enumerable.Range(0, 6))
        {
            await stack.Queue.SendAsync("channel", $"msg-{number}", "Hello");
        }

        await client.FinalAsync("msg-0");
        await client.StatusAsync("in_progress");
        await redis.FlushAsync();
        var finals = new HashSet<string> { "msg-0" };
        while (finals.Count < 6)
        {
            var payload = await client.NextAsync(seconds: 40);
            if (payload["final_message"]!.GetValue<bool>())
            {
                payload["status"]!.GetValue<string>().ShouldBe("completed");
                finals.Add(payload["message_id"]!.GetValue<string>()).ShouldBeTrue();
            }
        }

        (await stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_dead_letter_that_RabbitMQ_does_not_take_is_written_when_it_is_back()
    {
        await using var broker = new RabbitMQServer();
        await broker.StartAsync();
        await using var stack = await CosmoStack.StartAsync(new Dictionary<string, string>
        {
            ["RABBITMQ_URL"] = broker.Url,
            ["Cosmo:Conversations:FirstEventSeconds"] = "8",
        });
        await using var client = await stack.OpenAsync("channel");
        await stack.FaultAsync("""[{ "delayBeforeFirstEvent": 60000 }]""");

        await stack.Queue.SendAsync("channel", "msg-1", "Hello");
        await client.StatusAsync("started");
        await broker.StopAsync();
        var final = await client.FinalAsync("msg-1");
        await broker.StartAsync();
        await using var again = await CosmoQueue.ConnectAsync(broker.Url, stack.Queue.Exchange);
        var letter = await again.NextDeadLetterAsync();

        final["type"]!.GetValue<string>().ShouldBe("timeout");
        letter.Headers["x-cosmo-cause"].ShouldBe("no_first_response");
    }
}
