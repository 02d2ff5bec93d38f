using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class DeterminismTests
{
    private int _run;

    [Fact]
    public async Task Another_activity_than_in_the_history_is_an_error_that_says_where()
        => (await FailureAsync(async (context, run) =>
        {
            await context.CallActivityAsync<int>("One");
            await context.CallActivityAsync<int>(run < 3 ? "One" : "Two");
            await context.CallActivityAsync<int>("One");
        })).ShouldContain("expected event 5 `TaskScheduled One (#1)`, got `TaskScheduled Two (#1)`.");

    [Fact]
    public async Task An_action_of_another_kind_is_an_error_that_says_where()
        => (await FailureAsync(async (context, run) =>
        {
            await (run == 1 ? context.CallActivityAsync<int>("One") : context.CreateTimer(TimeSpan.FromSeconds(1), default));
        })).ShouldContain("expected event 2 `TaskScheduled One (#0)`, got `TimerCreated (#0)`.");

    [Fact]
    public async Task Another_order_is_an_error_that_says_where()
        => (await FailureAsync(async (context, run) =>
        {
            string[] order = run == 1 ? ["One", "Two"] : ["Two", "One"];
            await Task.WhenAll(order.Select(name => context.CallActivityAsync<int>(name)));
        })).ShouldContain("expected event 2 `TaskScheduled One (#0)`, got `TaskScheduled Two (#0)`.");

    [Fact]
    public async Task Doing_less_than_the_history_says_is_an_error_that_says_where()
        => (await FailureAsync(async (context, run) =>
        {
            var tasks = Enumerable.Range(0, run == 1 ? 2 : 1).Select(_ => context.CallActivityAsync<int>("One"));
            await Task.WhenAll(tasks);
        })).ShouldContain("expected event 3 `TaskScheduled One (#1)`, got nothing.");

    [Fact]
    public async Task Doing_more_than_the_history_says_is_an_error_that_says_where()
        => (await FailureAsync(async (context, run) =>
        {
            var tasks = Enumerable.Range(0, run).Select(_ => context.CallActivityAsync<int>("One"));
            await Task.WhenAll(tasks);
            await context.CallActivityAsync<int>("Two");
        })).ShouldContain("expected nothing more before event 3, got `TaskScheduled One (#1)`.");

    [Fact]
    public async Task A_step_earlier_than_in_the_history_is_an_error_too()
        => (await FailureAsync(async (context, run) =>
        {
            var first = context.CallActivityAsync<int>("One");
            if (run < 3)
            {
                await first;
            }

            await Task.WhenAll(first, context.CallActivityAsync<int>("Two"));
            await context.CallActivityAsync<int>("Two");
        })).ShouldContain("expected nothing more before event 3, got `TaskScheduled Two (#1)`.");

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task Awaiting_what_is_not_the_context_s_is_an_error(int cached)
    {
        var foreign = new TaskCompletionSource();
        (await FailureAsync((_, _) => foreign.Task, cached)).ShouldContain("nothing is outstanding, yet it has not returned");
    }

    [Fact]
    public async Task Going_on_outside_a_step_is_an_error()
    {
        var foreign = new TaskCompletionSource();
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Stray", async context =>
        {
            _ = context.WaitForExternalEvent<int>("Never");
            await foreign.Task;
            return await context.CallActivityAsync<int>("One");
        }));
        var instance = await engine.ScheduleAsync("Stray");
        await engine.Client.WaitForInstanceStartAsync(instance, TestContext.Current.CancellationToken);

        foreign.SetResult();

        (await engine.EndAsync(instance)).FailureDetails!.ErrorMessage.ShouldContain("went on outside a step");
    }

    [Fact]
    public async Task The_context_cannot_be_used_on_another_thread()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Stray", async context =>
            {
                await context.CallActivityAsync<int>("One").ConfigureAwait(false);
                return await context.CallActivityAsync<int>("One");
            })
            .Activity<object?, int>("One", _ => 1));

        (await engine.RunAsync("Stray")).FailureDetails!.ErrorMessage.ShouldContain("Such a wait cannot be replayed");
    }

    [Fact]
    public async Task An_orchestrator_that_yields_in_its_own_flow_is_fine()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Yield", async _ =>
        {
            await Task.Yield();
            return 1;
        }));

        (await engine.OutputAsync<int>(await engine.ScheduleAsync("Yield"))).ShouldBe(1);
    }

    /// <summary>What the instance fails with whose orchestrator is told how often it was run from its beginning.</summary>
    private async Task<string> FailureAsync(Func<TaskOrchestrationContext, int, Task> orchestrator, int cached = 0)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Changing", async context =>
                {
                    await orchestrator(context, ++_run);
                    return true;
                })
                .Activity<object?, int>("One", _ => 1)
                .Activity<object?, int>("Two", _ => 2),
            cached,
            activities: 1);

        var ended = await engine.RunAsync("Changing");

        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
        ended.FailureDetails!.ErrorType.ShouldBe(typeof(NonDeterministicOrchestrationException).FullName);
        return ended.FailureDetails.ErrorMessage;
    }
}
