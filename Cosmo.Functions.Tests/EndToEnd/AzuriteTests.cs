using System.Net;
using Cosmo.Functions.Answering;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The promises that hang on the Durable store, on the store that a deployment has: Azure Storage.</summary>
public sealed class AzuriteTests(AzuriteTests.Fixture fixture) : IClassFixture<AzuriteTests.Fixture>
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_question_is_answered()
    {
        await using var client = await _stack.OpenAsync(_channel);

        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        var final = await client.FinalAsync("msg-1", seconds: 180);

        final["status"]!.GetValue<string>().ShouldBe("completed");
        final["message"]!.GetValue<string>().ShouldContain("Makati");
    }

    [Fact]
    public async Task A_deadline_is_kept()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync($$"""[{ "userText": "late {{_channel}}", "delayBeforeFirstEvent": 60000 }]""");

        await _stack.Queue.SendAsync(_channel, "msg-1", $"late {_channel}");
        var final = await client.FinalAsync("msg-1", seconds: 180);

        (final["type"]!.GetValue<string>(), final["error_details"]!.GetValue<string>()).ShouldBe(("timeout", "No response received from assistant"));
        (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("no_first_response");
        (await _stack.RequestsAsync($"late {_channel}")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task A_message_is_cancelled()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 500, "pace": 40 }]""");
        await _stack.Queue.SendAsync(_channel, "msg-1", $"essay {_channel}");
        await client.StatusAsync("in_progress", seconds: 180);

        using var answer = await _stack.Http.PostAsync($"channels/{_channel}/messages/msg-1/cancel", null, TestContext.Current.CancellationToken);
        var final = await client.FinalAsync("msg-1", seconds: 180);

        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        final["status"]!.GetValue<string>().ShouldBe("cancelled", final.ToJsonString());
        (await _stack.RequestsAsync($"essay {_channel}")).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task A_worker_that_is_killed_in_mid_answer_costs_time_alone()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await client.StatusAsync("in_progress", seconds: 180);

        await _stack.KillWorkerAsync();
        var final = await client.FinalAsync("msg-1", seconds: 90);

        final["status"]!.GetValue<string>().ShouldBe("completed");
        final["message"]!.GetValue<string>().ShouldContain("Makati");
        client.Finals().ShouldBe(["msg-1"]);
        (await _stack.QuestionsAsync(final["thread_id"]!.GetValue<string>())).ShouldBe(["Weather in Makati?"]);
    }

    [Fact]
    public async Task A_message_whose_orchestration_was_terminated_has_its_end_and_its_letter()
    {
        await using var client = await _stack.OpenAsync(_channel);
        await _stack.FaultAsync("""[{ "userText": "essay", "longAnswer": 500, "pace": 40 }]""");
        await _stack.Queue.SendAsync(_channel, "msg-1", $"essay {_channel}");
        await client.StatusAsync("in_progress", seconds: 180);
        var instance = $"instances/{AnswerStarter.InstanceId(new(_channel, "msg-1", 1))}";
        var cancellation = TestContext.Current.CancellationToken;

        (await _stack.ManageAsync(HttpMethod.Post, $"{instance}/terminate?reason=test", cancellation)).ShouldBe(HttpStatusCode.Accepted);
        await Eventually.IsSoAsync(async () => await _stack.ManageAsync(HttpMethod.Get, instance, cancellation) == HttpStatusCode.OK, () => "It goes on.", cancellation);
        await _stack.RunFunctionAsync(nameof(EndAbandonedAnswers), cancellation);
        var final = await client.FinalAsync("msg-1", seconds: 180);

        final["status"]!.GetValue<string>().ShouldBe("error", final.ToJsonString());
        (await _stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("unexpected");
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private readonly AzuriteServer _azurite = new();

        internal CosmoStack Stack { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await _azurite.StartAsync();
            Stack = await CosmoStack.StartAsync(
                new Dictionary<string, string>
                {
                    ["AzureWebJobsStorage"] = _azurite.ConnectionString,
                    ["AzureFunctionsJobHost:extensions:durableTask:storageProvider:type"] = "AzureStorage",
                    ["AzureFunctionsJobHost:extensions:durableTask:storageProvider:maxQueuePollingInterval"] = "00:00:00.500",
                    ["AzureFunctionsJobHost:extensions:durableTask:storageProvider:workItemQueueVisibilityTimeout"] = "00:00:10",
                    ["Cosmo:Conversations:FirstEventSeconds"] = "20",
                },
                new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(20), TokenPace = TimeSpan.FromMilliseconds(40) });
        }

        public async ValueTask DisposeAsync()
        {
            await Stack.DisposeAsync();
            await _azurite.DisposeAsync();
        }
    }
}
