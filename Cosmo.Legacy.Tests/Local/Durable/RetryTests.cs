using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class RetryTests
{
    private int _tries;

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_policy_tries_again_after_pauses_that_grow(int cached)
    {
        var policy = new RetryPolicy(4, TimeSpan.FromSeconds(2), backoffCoefficient: 3, maxRetryInterval: TimeSpan.FromSeconds(10));
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 3, TaskOptions.FromRetryPolicy(policy)), cached);
        var instance = await engine.ScheduleAsync("Try");

        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(2));
        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(6));
        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(10));

        (await engine.OutputAsync<int>(instance)).ShouldBe(4);
    }

    [Fact]
    public async Task The_last_failure_comes_through_and_nothing_waits_after_it()
    {
        var policy = new RetryPolicy(2, TimeSpan.FromSeconds(2));
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 9, TaskOptions.FromRetryPolicy(policy)));
        var instance = await engine.ScheduleAsync("Try");

        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(2));

        (await engine.EndAsync(instance)).FailureDetails!.InnerFailure!.ErrorMessage.ShouldBe("try 2");
        _tries.ShouldBe(2);
    }

    [Fact]
    public async Task A_policy_may_say_which_failures_are_worth_another_try()
    {
        var policy = new RetryPolicy(5, TimeSpan.FromSeconds(2)) { HandleFailure = failure => failure.IsCausedBy<TimeoutException>() };
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 9, TaskOptions.FromRetryPolicy(policy)));

        (await engine.RunAsync("Try")).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
        _tries.ShouldBe(1);
    }

    [Fact]
    public async Task No_try_begins_after_the_policy_s_time_is_over()
    {
        var policy = new RetryPolicy(5, TimeSpan.FromSeconds(6), retryTimeout: TimeSpan.FromSeconds(10));
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 9, TaskOptions.FromRetryPolicy(policy)));
        var instance = await engine.ScheduleAsync("Try");

        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(6));
        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(6));

        (await engine.EndAsync(instance)).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
        _tries.ShouldBe(3);
    }

    [Fact]
    public async Task A_handler_is_asked_after_each_failure()
    {
        var asked = new List<string>();
        var options = TaskOptions.FromRetryHandler(failed =>
        {
            asked.Add($"{failed.LastAttemptNumber}: {failed.LastFailure.ErrorMessage}");
            return failed.LastAttemptNumber < 3;
        });
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 9, options));

        (await engine.RunAsync("Try")).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);

        asked.ShouldBe(["1: try 1", "2: try 2", "3: try 3"]);
    }

    [Fact]
    public async Task An_activity_that_no_function_is_is_not_tried_again()
    {
        var options = TaskOptions.FromRetryPolicy(new RetryPolicy(5, TimeSpan.FromSeconds(2)));
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Try", async context => await context.CallActivityAsync<int>("Nowhere", null, options)));

        (await engine.RunAsync("Try")).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
    }

    [Fact]
    public async Task A_sub_orchestration_is_tried_again_under_the_same_id()
    {
        var options = new SubOrchestrationOptions(new RetryPolicy(3, TimeSpan.FromSeconds(2)), "child");
        await using var engine = await TestEngine.StartAsync(Flaky(failures: 1, options: null)
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Try", null, options)));
        var instance = await engine.ScheduleAsync("Parent");

        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(2));

        (await engine.OutputAsync<int>(instance)).ShouldBe(2);
    }

    private TestFunctions Flaky(int failures, TaskOptions? options) => new TestFunctions()
        .Orchestrator("Try", async context => await context.CallActivityAsync<int>("Flaky", failures, options))
        .Activity<int, int>("Flaky", limit =>
        {
            var number = Interlocked.Increment(ref _tries);
            return number > limit ? number : throw new InvalidOperationException($"try {number}");
        });
}
