using System.Net;
using Cosmo.Functions.Administration;
using Cosmo.Functions.Administration.Deletion;
using Cosmo.Functions.Answering;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>What timers do, run on demand as the host does it for an administrator.</summary>
public sealed class TimerFunctionsTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task The_pruning_removes_what_is_older_than_the_retention_and_says_so()
    {
        await Host.AddThreadAsync("old", 91);
        await Host.AddThreadAsync("young", 89);
        await Host.SendAsync("GET", "threads/stats");

        await Host.Stack.RunFunctionAsync(nameof(PruneThreads), Cancellation);
        var ended = await Host.EndAsync("thread-pruning");

        ended["progress"]!["removed"]!.GetValue<int>().ShouldBe(1);
        (await Host.GetAsync("thread:old")).ShouldBeNull();
        (await Host.GetAsync("thread:young")).ShouldNotBeNull();
        await Host.LoggedAsync("thread-pruning removed 1 threads; 0 are in use, 0 are left", Cancellation);
    }

    [Fact]
    public async Task A_run_beside_another_starts_nothing()
    {
        await Host.Stack.FaultAsync("""[{ "endpoint": "conversations", "delayBeforeHeaders": 20000 }]""");
        await Host.AddThreadAsync("slow", 100, threadId: "conv_slow");
        await Host.SendAsync("GET", "threads/stats");
        await Host.Stack.RunFunctionAsync(nameof(PruneThreads), Cancellation);
        await Host.Stack.RequestedAsync("conv_slow", Cancellation);

        await Host.Stack.RunFunctionAsync(nameof(PruneThreads), Cancellation);

        await Host.LoggedAsync("thread-pruning runs already", Cancellation);
        (await Host.Stack.ManageAsync(HttpMethod.Post, "instances/thread-pruning/terminate?reason=test", Cancellation)).ShouldBe(HttpStatusCode.Accepted);
    }

    [Fact]
    public void The_keys_are_compared_at_the_start() => Host.IndexingAtStart["status"]!.GetValue<string>().ShouldBe("completed");

    [Fact]
    public async Task A_history_that_is_not_old_enough_stays()
    {
        await Host.SendAsync("POST", "threads/index");
        await Host.EndAsync("thread-indexing");

        await Host.Stack.RunFunctionAsync(nameof(PurgeHistory), Cancellation);

        await Host.LoggedAsync("The histories of 0 orchestrations", Cancellation);
        (await Host.Stack.ManageAsync(HttpMethod.Get, "instances/thread-indexing", Cancellation)).ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("terminate?reason=test", "Its orchestration was terminated: no reason is known")]
    [InlineData($"raiseEvent/{AnswerMessage.ModelProgress}", "Its orchestration was failed: ")]
    public async Task A_message_whose_orchestration_ended_as_a_whole_has_its_end_and_its_letter_and_the_channel_goes_on(string end, string reason)
    {
        var channel = $"channel-{Guid.NewGuid():n}";
        await using var client = await Host.Stack.OpenAsync(channel);
        await Host.Stack.FaultAsync("""[{ "userText": "slow", "delayBeforeHeaders": 20000 }]""");
        await Host.Stack.Queue.SendAsync(channel, "msg-1", "slow: " + channel);
        await Eventually.IsSoAsync(async () => (await Host.Stack.RequestsAsync("slow: " + channel)).Count > 0, () => "The model was not asked.", Cancellation);
        var instance = $"instances/{AnswerStarter.InstanceId(new(channel, "msg-1", 1))}";

        // Nothing is a moment that nobody can read.
        (await Host.Stack.ManageAsync(HttpMethod.Post, $"{instance}/{end}", Cancellation)).ShouldBe(HttpStatusCode.Accepted);
        await Eventually.IsSoAsync(async () => await Host.Stack.ManageAsync(HttpMethod.Get, instance, Cancellation) == HttpStatusCode.OK, () => "It goes on.", Cancellation);
        await Host.Stack.RunFunctionAsync(nameof(EndAbandonedAnswers), Cancellation);
        var final = await client.FinalAsync("msg-1");
        var letter = await Host.Stack.Queue.NextDeadLetterAsync();
        await Host.Stack.Queue.SendAsync(channel, "msg-2", "Hello");
        var next = await client.FinalAsync("msg-2");

        (final["status"]!.GetValue<string>(), next["status"]!.GetValue<string>()).ShouldBe(("error", "completed"));
        letter.Headers["x-cosmo-cause"].ShouldBe("unexpected");
        letter.Headers["x-cosmo-reason"].ShouldStartWith(reason);
        client.Finals().ShouldBe(["msg-1", "msg-2"]);
        (await Host.Stack.RequestsAsync("slow: " + channel)).ShouldHaveSingleItem()["aborted"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task A_deletion_that_is_cancelled_stops_and_can_be_begun_again()
    {
        for (var i = 0; i < 300; i++)
        {
            await Host.AddThreadAsync($"{i}", 100, threadId: $"conv_{i}");
        }

        await Host.Stack.FaultAsync("""[{ "endpoint": "conversations", "status": 404, "delayBeforeHeaders": 200 }]""");
        (await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE")).Status.ShouldBe(HttpStatusCode.Accepted);
        (await Host.SendAsync("DELETE", "operations/thread-deletion")).Status.ShouldBe(HttpStatusCode.Accepted);
        var cancelled = await Host.EndAsync("thread-deletion");
        await Host.Stack.FaultAsync("[]");
        await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE");
        var again = await Host.EndAsync("thread-deletion");

        (cancelled["status"]!.GetValue<string>(), again["status"]!.GetValue<string>()).ShouldBe(("cancelled", "completed"));
        cancelled["progress"]!["phase"]!.GetValue<string>().ShouldBe("cancelled");
        again["progress"]!["phase"]!.GetValue<string>().ShouldBe("completed");
        (cancelled["progress"]!["removed"]!.GetValue<int>() + again["progress"]!["removed"]!.GetValue<int>()).ShouldBe(300);
        again["progress"]!["total"]!.GetValue<int>().ShouldBe(again["progress"]!["removed"]!.GetValue<int>());
    }
}
