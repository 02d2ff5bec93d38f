using Cosmo.Functions.Administration;
using Cosmo.Functions.Threads;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using NSubstitute;

namespace Cosmo.Functions.Tests.Administration;

public sealed class TimerFunctionsTests : OperatorTest
{
    private DurableTaskClient Client => Host.Services.GetRequiredService<DurableTaskClient>();

    [Fact]
    public async Task The_pruning_removes_what_is_older_than_the_retention_and_says_so()
    {
        await Host.AddThreadAsync("old", 91);
        await Host.AddThreadAsync("young", 89);
        await Host.SendAsync("GET", "threads/stats");

        await RunAsync<PruneThreads>((function, context) => function.RunAsync(new TimerInfo(), Client, context));
        var ended = await Host.EndAsync("thread-pruning");

        ended["progress"]!["removed"]!.GetValue<int>().ShouldBe(1);
        (await Host.GetAsync("thread:old")).ShouldBeNull();
        (await Host.GetAsync("thread:young")).ShouldNotBeNull();
        await Host.Logs.WaitForAsync("thread-pruning removed 1 threads; 0 are in use, 0 are left", Cancellation);
    }

    [Fact]
    public async Task A_run_beside_another_starts_nothing()
    {
        await Client.ScheduleNewOrchestrationInstanceAsync(
            nameof(ThreadIndexing),
            IndexingProgress.Start,
            new StartOrchestrationOptions(ThreadDeletion.PruningId, DateTimeOffset.UtcNow.AddHours(1)),
            Cancellation);

        await RunAsync<PruneThreads>((function, context) => function.RunAsync(new TimerInfo(), Client, context));

        await Host.Logs.WaitForAsync("thread-pruning runs already", Cancellation);
    }

    [Fact]
    public async Task The_keys_are_compared_at_the_start() =>
        (await Host.EndAsync("thread-indexing"))["status"]!.GetValue<string>().ShouldBe("completed");

    [Fact]
    public async Task A_history_that_is_not_old_enough_stays()
    {
        await Host.EndAsync("thread-indexing");

        await RunAsync<PurgeHistory>((function, context) => function.RunAsync(new TimerInfo(), Client, context));

        await Host.Logs.WaitForAsync("The histories of 0 orchestrations", Cancellation);
        (await Client.GetInstanceAsync("thread-indexing", Cancellation)).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_deletion_that_is_cancelled_stops_and_can_be_begun_again()
    {
        for (var i = 0; i < 300; i++)
        {
            await Host.AddThreadAsync($"{i}", 100);
        }

        await Client.ScheduleNewOrchestrationInstanceAsync(
            nameof(ThreadDeletion),
            DeletionInput.Begin(DateTimeOffset.UtcNow.ToUnixTimeSeconds(), isForced: true, indexesFirst: true, 300),
            new StartOrchestrationOptions(ThreadDeletion.DeletionId, DateTimeOffset.UtcNow.AddSeconds(2)),
            Cancellation);
        (await Host.SendAsync("DELETE", "operations/thread-deletion")).Status.ShouldBe(System.Net.HttpStatusCode.Accepted);
        var cancelled = await Host.EndAsync("thread-deletion");
        await Host.SendAsync("DELETE", "threads?all=true&confirm=DELETE");
        var again = await Host.EndAsync("thread-deletion");

        cancelled["progress"]!["phase"]!.GetValue<string>().ShouldBe("cancelled");
        again["progress"]!["phase"]!.GetValue<string>().ShouldBe("completed");
        (cancelled["progress"]!["removed"]!.GetValue<int>() + again["progress"]!["removed"]!.GetValue<int>()).ShouldBe(300);
    }

    private async Task RunAsync<T>(Func<T, FunctionContext, Task> run)
    {
        var context = Substitute.For<FunctionContext>();
        context.CancellationToken.Returns(Cancellation);
        await run(ActivatorUtilities.CreateInstance<T>(Host.Services), context);
    }
}
