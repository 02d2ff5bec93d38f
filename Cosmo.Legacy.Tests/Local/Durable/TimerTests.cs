using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class TimerTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_timer_fires_at_its_time_and_not_before(int cached)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions().Orchestrator("Sleep", async context =>
            {
                var began = context.CurrentUtcDateTime;
                await context.CreateTimer(TimeSpan.FromHours(3), CancellationToken.None);
                return context.CurrentUtcDateTime - began;
            }),
            cached);
        var instance = await engine.ScheduleAsync("Sleep");
        await engine.TimerSetForAsync(TimeSpan.FromHours(3));

        engine.Time.Advance(TimeSpan.FromHours(3) - TimeSpan.FromTicks(1));
        (await engine.GetAsync(instance))!.IsRunning.ShouldBeTrue();

        engine.Time.Advance(TimeSpan.FromTicks(1));
        (await engine.OutputAsync<TimeSpan>(instance)).ShouldBe(TimeSpan.FromHours(3));
    }

    [Fact]
    public async Task Timers_fire_in_the_order_of_their_times()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Sleep", async context =>
        {
            var order = new List<int>();
            await Task.WhenAll(new[] { 3, 1, 2 }.Select(async minutes =>
            {
                await context.CreateTimer(TimeSpan.FromMinutes(minutes), CancellationToken.None);
                order.Add(minutes);
            }));
            return order;
        }));
        var instance = await engine.ScheduleAsync("Sleep");

        await engine.AdvanceToTimerAsync(TimeSpan.FromMinutes(1));
        await engine.AdvanceToTimerAsync(TimeSpan.FromMinutes(1));
        await engine.AdvanceToTimerAsync(TimeSpan.FromMinutes(1));

        (await engine.OutputAsync<List<int>>(instance)).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_timer_further_away_than_the_system_can_set_fires_all_the_same()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Sleep", async context =>
        {
            await context.CreateTimer(TimeSpan.FromDays(3), CancellationToken.None);
            return true;
        }));
        var instance = await engine.ScheduleAsync("Sleep");

        for (var day = 0; day < 3; day++)
        {
            await engine.AdvanceToTimerAsync(TimeSpan.FromDays(1));
        }

        (await engine.OutputAsync<bool>(instance)).ShouldBeTrue();
    }

    [Fact]
    public async Task An_instance_does_not_complete_before_a_timer_that_was_not_cancelled()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Forget", context =>
        {
            _ = context.CreateTimer(TimeSpan.FromMinutes(5), CancellationToken.None);
            return Task.FromResult("done");
        }));
        var instance = await engine.ScheduleAsync("Forget");
        await engine.TimerSetForAsync(TimeSpan.FromMinutes(5));
        (await engine.GetAsync(instance))!.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Running);

        engine.Time.Advance(TimeSpan.FromMinutes(5));

        (await engine.OutputAsync<string>(instance)).ShouldBe("done");
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_cancelled_timer_keeps_nothing_waiting(int cached)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Deadline", async context =>
                {
                    using var cancellation = new CancellationTokenSource();
                    var timer = context.CreateTimer(TimeSpan.FromMinutes(5), cancellation.Token);
                    var work = context.CallActivityAsync<int>("Work", 1);
                    var first = await Task.WhenAny(timer, work);
                    cancellation.Cancel();
                    return first == work && timer.IsCanceled && await context.CallActivityAsync<int>("Work", 2) == 2;
                })
                .Activity<int, int>("Work", number => number),
            cached);

        (await engine.OutputAsync<bool>(await engine.ScheduleAsync("Deadline"))).ShouldBeTrue();
    }

    [Fact]
    public async Task A_timer_that_is_cancelled_before_it_begins_throws_at_once()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Cancelled", async context =>
        {
            await context.CreateTimer(TimeSpan.FromMinutes(5), new CancellationToken(canceled: true));
            return true;
        }));

        (await engine.RunAsync("Cancelled")).FailureDetails!.ErrorType.ShouldBe(typeof(TaskCanceledException).FullName);
    }

    [Fact]
    public async Task An_instance_scheduled_for_later_starts_then_and_keeps_the_events_that_came_before()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Later", async context => await context.WaitForExternalEvent<string>("Early")));
        var options = new StartOrchestrationOptions(StartAt: engine.Time.GetUtcNow().AddHours(1));
        var instance = await engine.ScheduleAsync("Later", options: options);
        await engine.RaiseAsync(instance, "Early", "bird");
        (await engine.GetAsync(instance))!.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Pending);

        await engine.AdvanceToTimerAsync(TimeSpan.FromHours(1));

        (await engine.OutputAsync<string>(instance)).ShouldBe("bird");
    }

    [Fact]
    public async Task An_instance_scheduled_for_later_does_not_start_sooner_because_it_was_suspended_and_resumed()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Later", context => Task.FromResult(context.CurrentUtcDateTime)));
        var start = engine.Time.GetUtcNow().AddHours(1);
        var instance = await engine.ScheduleAsync("Later", options: new StartOrchestrationOptions(StartAt: start));
        await engine.Client.SuspendInstanceAsync(instance, TestContext.Current.CancellationToken);
        await Until.TrueAsync(async () => (await engine.GetAsync(instance))!.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        await engine.Client.ResumeInstanceAsync(instance, TestContext.Current.CancellationToken);
        await Until.TrueAsync(async () => (await engine.GetAsync(instance))!.RuntimeStatus == OrchestrationRuntimeStatus.Pending);

        await engine.AdvanceToTimerAsync(TimeSpan.FromHours(1));

        (await engine.OutputAsync<DateTime>(instance)).ShouldBe(start.UtcDateTime);
    }
}
