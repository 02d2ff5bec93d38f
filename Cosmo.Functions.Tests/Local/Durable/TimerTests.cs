namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class TimerTests
{
    private static readonly TestFunctions Functions = new TestFunctions().Orchestrator("Sleep", async script =>
    {
        await script.SleepAsync(script.Input<TimeSpan>());
        return true;
    });

    [Fact]
    public async Task A_timer_fires_at_its_time_and_not_before()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Sleep", TimeSpan.FromHours(3));
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);
        var due = hub.Service.Store.Read(session => session.Find("SELECT fire_at FROM timers", row => new DateTimeOffset(row.Long(0), TimeSpan.Zero)));

        hub.Clock.Advance(due - hub.Clock.GetUtcNow() - TimeSpan.FromMilliseconds(2));
        hub.CountOfWork().ShouldBe(1);
        (await hub.GetAsync(instance))!.OrchestrationStatus.ShouldBe(DurableTask.Core.OrchestrationStatus.Running);

        hub.Clock.Advance(TimeSpan.FromMilliseconds(3));
        (await hub.OutputAsync<bool>(instance)).ShouldBeTrue();
    }

    [Fact]
    public async Task Timers_fire_in_the_order_of_their_times()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Sleep", async script =>
        {
            var order = new List<int>();
            await Task.WhenAll(new[] { 3, 1, 2 }.Select(async minutes =>
            {
                await script.SleepAsync(TimeSpan.FromMinutes(minutes));
                order.Add(minutes);
            }));
            return order;
        }));
        var instance = await hub.ScheduleAsync("Sleep");

        // All at once: the order is the timers', not the clock's.
        await hub.PassAsync(TimeSpan.FromMinutes(10));

        (await hub.OutputAsync<List<int>>(instance)).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task An_event_that_came_before_a_timer_fired_is_seen_before_it()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Race", async script =>
        {
            var timer = script.SleepAsync(TimeSpan.FromMinutes(1));
            var raised = script.EventAsync<string>("Go");
            return await Task.WhenAny(timer, raised) == raised ? "event" : "timer";
        }));
        var instance = await hub.ScheduleAsync("Race");
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);
        await hub.Client.SuspendInstanceAsync(new DurableTask.Core.OrchestrationInstance { InstanceId = instance });

        await hub.RaiseAsync(instance, "Go", "x");
        hub.Clock.Advance(TimeSpan.FromMinutes(2));
        await hub.Client.ResumeInstanceAsync(new DurableTask.Core.OrchestrationInstance { InstanceId = instance });

        (await hub.OutputAsync<string>(instance)).ShouldBe("event");
    }

    [Fact]
    public async Task A_timer_further_away_than_the_system_can_set_fires_all_the_same()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Sleep", TimeSpan.FromDays(90));

        for (var day = 0; day <= 90; day++)
        {
            await hub.PassAsync(TimeSpan.FromDays(1));
        }

        (await hub.OutputAsync<bool>(instance)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_thousand_timers_are_one_timer_of_the_system()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Sleep", async script =>
        {
            await Task.WhenAll(Enumerable.Range(1, 1000).Select(second => script.SleepAsync(TimeSpan.FromSeconds(second))));
            return true;
        }));
        var instance = await hub.ScheduleAsync("Sleep");
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);

        hub.CountOfWork().ShouldBe(1000);
        hub.Clock.TimersSetAsync(2).IsCompleted.ShouldBeFalse();

        await hub.PassUntilEndAsync(instance, TimeSpan.FromMinutes(20));
    }

    [Fact]
    public async Task A_timer_that_fell_due_while_nobody_ran_fires_at_the_start()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Sleep", TimeSpan.FromHours(1));
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);
        await hub.StopAsync();
        hub.Clock.Advance(TimeSpan.FromHours(2));

        await hub.StartAgainAsync();

        (await hub.OutputAsync<bool>(instance)).ShouldBeTrue();
    }
}
