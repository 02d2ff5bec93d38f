using DurableTask.Core;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class MessageTests
{
    private static readonly TestFunctions Functions = new TestFunctions()
        .Orchestrator("Wait", script => script.EventAsync<string>("Go"))
        .Orchestrator("Quick", _ => Task.FromResult("done"));

    [Fact]
    public async Task Events_that_nobody_waits_for_are_kept_in_their_order()
    {
        var gate = new Gate();
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Collect", async script =>
            {
                await script.CallAsync<bool>("Wait");
                return new[] { await script.EventAsync<int>("Number"), await script.EventAsync<int>("Other"), await script.EventAsync<int>("Number") };
            })
            .Activity<object?, bool>("Wait", async _ =>
            {
                await gate.PassAsync(CancellationToken.None);
                return true;
            }));
        var instance = await hub.ScheduleAsync("Collect");
        await gate.EnteredAsync();
        await hub.RaiseAsync(instance, "Number", 1);
        await hub.RaiseAsync(instance, "Number", 2);
        await hub.RaiseAsync(instance, "Other", 3);

        gate.Open();

        (await hub.OutputAsync<int[]>(instance)).ShouldBe([1, 3, 2]);
    }

    [Fact]
    public async Task An_event_to_an_instance_that_has_just_been_started_reaches_it()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Wait");

        await hub.RaiseAsync(instance, "Go", "early");

        (await hub.OutputAsync<string>(instance)).ShouldBe("early");
    }

    [Fact]
    public async Task An_event_to_nobody_or_to_an_ended_instance_is_dropped_with_a_log_line()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var ended = (await hub.RunAsync("Quick")).OrchestrationInstance.InstanceId;

        await hub.RaiseAsync(ended, "Late");
        await hub.RaiseAsync("nobody", "Late");

        (await hub.GetAsync("nobody")).ShouldBeNull();
        hub.CountOfWork().ShouldBe(0);
        hub.Logs.Text.ShouldContain($"EventRaised to {ended} was dropped: the instance has ended");
        hub.Logs.Text.ShouldContain("EventRaised to nobody was dropped: there is no such instance");
    }

    [Fact]
    public async Task A_message_to_another_execution_and_a_rewind_of_what_has_not_failed_are_dropped_with_a_log_line()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var waiting = await hub.ScheduleAsync("Wait");
        var ended = (await hub.RunAsync("Quick")).OrchestrationInstance.InstanceId;

        await hub.Client.RaiseEventAsync(new OrchestrationInstance { InstanceId = waiting, ExecutionId = "another" }, "Go", "no");
        await hub.Service.RewindAsync(ended, "no need");
        await hub.RaiseAsync(waiting, "Go", "yes");

        (await hub.OutputAsync<string>(waiting)).ShouldBe("yes");
        (await hub.GetAsync(ended))!.OrchestrationStatus.ShouldBe(OrchestrationStatus.Completed);
        hub.CountOfWork().ShouldBe(0);
        hub.Logs.Text.ShouldContain($"EventRaised to {waiting} was dropped: the instance is in another execution");
        hub.Logs.Text.ShouldContain($"ExecutionRewound to {ended} was dropped: the instance has ended");
    }

    [Fact]
    public async Task Orchestrations_send_each_other_and_themselves_events()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Receiver", script => script.EventAsync<string>("Hello"))
            .Orchestrator("Sender", async script =>
            {
                script.Context.SendEvent(new OrchestrationInstance { InstanceId = script.Input<string>() }, "Hello", "from a friend");
                script.Context.SendEvent(new OrchestrationInstance { InstanceId = script.InstanceId }, "Hello", "from me");
                return await script.EventAsync<string>("Hello");
            }));
        var receiver = await hub.ScheduleAsync("Receiver");

        var sender = await hub.ScheduleAsync("Sender", receiver);

        (await hub.OutputAsync<string>(receiver)).ShouldBe("from a friend");
        (await hub.OutputAsync<string>(sender)).ShouldBe("from me");
    }

    [Fact]
    public async Task More_messages_than_a_step_takes_all_arrive()
    {
        var gate = new Gate();
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Sum", async script =>
            {
                await script.CallAsync<bool>("Wait");
                var sum = 0;
                for (var i = 0; i < 1500; i++)
                {
                    sum += await script.EventAsync<int>("Number");
                }

                return sum;
            })
            .Activity<object?, bool>("Wait", async _ =>
            {
                await gate.PassAsync(CancellationToken.None);
                return true;
            }));
        var instance = await hub.ScheduleAsync("Sum");
        await gate.EnteredAsync();
        var target = new OrchestrationInstance { InstanceId = instance };
        await hub.Client.SuspendInstanceAsync(target);
        await Task.WhenAll(Enumerable.Range(1, 1500).Select(i => hub.RaiseAsync(instance, "Number", 1)));

        await hub.Client.ResumeInstanceAsync(target);
        gate.Open();

        (await hub.OutputAsync<int>(instance)).ShouldBe(1500);
    }

    [Fact]
    public async Task A_terminated_instance_ends_with_the_reason_and_its_timers_are_gone()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Sleep", async script =>
        {
            await script.SleepAsync(TimeSpan.FromDays(1));
            return true;
        }));
        var instance = await hub.ScheduleAsync("Sleep");
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);

        await hub.TerminateAsync(instance, "enough");

        var ended = await hub.EndAsync(instance);
        (ended.OrchestrationStatus, ended.Output).ShouldBe((OrchestrationStatus.Terminated, "enough"));
        hub.CountOfWork().ShouldBe(0);
    }

    [Fact]
    public async Task A_suspended_instance_sees_nothing_until_it_is_resumed_not_even_after_a_crash()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Wait", async script => await script.EventAsync<string>("Go")));
        var instance = new OrchestrationInstance { InstanceId = await hub.ScheduleAsync("Wait") };
        await hub.Client.SuspendInstanceAsync(instance);
        await hub.RaiseAsync(instance.InstanceId, "Go", "now");
        await hub.CrashAndRestartAsync();
        await hub.IdleAsync();
        (await hub.GetAsync(instance.InstanceId))!.OrchestrationStatus.ShouldBe(OrchestrationStatus.Suspended);

        await hub.Client.ResumeInstanceAsync(instance);

        (await hub.OutputAsync<string>(instance.InstanceId)).ShouldBe("now");
    }

    [Fact]
    public async Task A_suspended_instance_can_be_terminated()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Wait");
        await hub.Client.SuspendInstanceAsync(new OrchestrationInstance { InstanceId = instance });

        await hub.TerminateAsync(instance);

        (await hub.EndAsync(instance)).OrchestrationStatus.ShouldBe(OrchestrationStatus.Terminated);
    }

    [Fact]
    public async Task A_wait_for_an_end_gives_up_when_its_time_is_over_or_it_is_cancelled_or_the_store_is_closed()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.ScheduleAsync("Wait");

        (await hub.Service.WaitForOrchestrationAsync(instance, "", TimeSpan.Zero, CancellationToken.None)).ShouldBeNull();
        await Should.ThrowAsync<OperationCanceledException>(
            () => hub.Service.WaitForOrchestrationAsync(instance, "", Timeout.InfiniteTimeSpan, new CancellationToken(canceled: true)));
        var open = hub.Service.WaitForOrchestrationAsync(instance, "", Timeout.InfiniteTimeSpan, CancellationToken.None);
        await hub.StopAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => open.WaitAsync(TestHub.Patience));
    }
}
