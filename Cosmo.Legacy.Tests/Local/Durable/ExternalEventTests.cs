namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class ExternalEventTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task Events_that_nobody_waits_for_are_kept_in_their_order(int cached)
    {
        var gate = new Gate();
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Collect", async context =>
                {
                    await context.CallActivityAsync("Wait");
                    return new[]
                    {
                        await context.WaitForExternalEvent<int>("Number"),
                        await context.WaitForExternalEvent<int>("Other"),
                        await context.WaitForExternalEvent<int>("Number"),
                    };
                })
                .Activity<object?, bool>("Wait", async (_, cancellation) =>
                {
                    await gate.PassAsync(cancellation);
                    return true;
                }),
            cached);
        var instance = await engine.ScheduleAsync("Collect");
        await gate.EnteredAsync();
        await engine.RaiseAsync(instance, "Number", 1);
        await engine.RaiseAsync(instance, "Number", 2);
        await engine.RaiseAsync(instance, "Other", 3);

        gate.Open();

        (await engine.OutputAsync<int[]>(instance)).ShouldBe([1, 3, 2]);
    }

    [Fact]
    public async Task Names_are_compared_without_case()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("TurnGranted")));
        var instance = await engine.ScheduleAsync("Wait");

        await engine.RaiseAsync(instance, "turngranted", "yes");

        (await engine.OutputAsync<string>(instance)).ShouldBe("yes");
    }

    [Fact]
    public async Task A_wait_that_times_out_throws_TaskCanceledException()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Wait", async context =>
        {
            try
            {
                return await context.WaitForExternalEvent<string>("Never", TimeSpan.FromSeconds(45));
            }
            catch (TaskCanceledException)
            {
                return "timed out";
            }
        }));
        var instance = await engine.ScheduleAsync("Wait");

        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(45));

        (await engine.OutputAsync<string>(instance)).ShouldBe("timed out");
    }

    [Fact]
    public async Task An_event_in_time_cancels_the_timer_of_the_wait()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<int>("Soon", TimeSpan.FromSeconds(45))));
        var instance = await engine.ScheduleAsync("Wait");

        await engine.RaiseAsync(instance, "Soon", 7);

        (await engine.OutputAsync<int>(instance)).ShouldBe(7);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task An_event_after_a_time_out_is_kept_for_the_next_wait(int cached)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions().Orchestrator("Wait", async context =>
            {
                try
                {
                    await context.WaitForExternalEvent<int>("Late", TimeSpan.FromSeconds(45));
                }
                catch (TaskCanceledException)
                {
                }

                await context.CreateTimer(TimeSpan.FromSeconds(10), CancellationToken.None);
                return await context.WaitForExternalEvent<int>("Late");
            }),
            cached);
        var instance = await engine.ScheduleAsync("Wait");
        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(45));
        await engine.TimerSetForAsync(TimeSpan.FromSeconds(10));

        await engine.RaiseAsync(instance, "Late", 7);
        engine.Time.Advance(TimeSpan.FromSeconds(10));

        (await engine.OutputAsync<int>(instance)).ShouldBe(7);
    }

    [Fact]
    public async Task Of_two_who_wait_the_last_to_come_is_served_first()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Wait", async context =>
        {
            var first = context.WaitForExternalEvent<string>("Turn");
            var second = context.WaitForExternalEvent<string>("Turn");
            await second;
            return $"{await second}, {await first}";
        }));
        var instance = await engine.ScheduleAsync("Wait");

        await engine.RaiseAsync(instance, "Turn", "one");
        await engine.RaiseAsync(instance, "Turn", "two");

        (await engine.OutputAsync<string>(instance)).ShouldBe("one, two");
    }

    [Fact]
    public async Task Waiting_for_one_event_as_two_types_is_refused()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Wait", async context =>
        {
            _ = context.WaitForExternalEvent<string>("Turn");
            return await context.WaitForExternalEvent<int>("turn");
        }));

        (await engine.RunAsync("Wait")).FailureDetails!.ErrorType.ShouldBe(typeof(ArgumentException).FullName);
    }

    [Fact]
    public async Task An_event_to_nobody_or_to_an_ended_instance_is_dropped()
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions().Orchestrator("Quick", _ => Task.FromResult("done")));
        var instance = await engine.ScheduleAsync("Quick");
        await engine.EndAsync(instance);

        await engine.RaiseAsync(instance, "Late", 1);
        await engine.RaiseAsync("nobody", "Late", 1);

        (await engine.OutputAsync<string>(instance)).ShouldBe("done");
        (await engine.GetAsync("nobody")).ShouldBeNull();
    }

    [Fact]
    public async Task Orchestrations_send_each_other_events()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Receiver", async context => await context.WaitForExternalEvent<string>("Hello"))
            .Orchestrator("Sender", context =>
            {
                context.SendEvent(context.GetInput<string>()!, "Hello", "from a friend");
                return Task.FromResult(true);
            }));
        var receiver = await engine.ScheduleAsync("Receiver");

        await engine.RunAsync("Sender", receiver);

        (await engine.OutputAsync<string>(receiver)).ShouldBe("from a friend");
    }
}
