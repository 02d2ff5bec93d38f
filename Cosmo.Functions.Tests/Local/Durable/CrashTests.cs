using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Host;
using DurableTask.Core;
using DurableTask.Core.History;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class CrashTests
{
    [Fact]
    public async Task What_was_running_when_the_process_died_runs_again_and_what_had_finished_does_not()
    {
        var gate = new Gate();
        var calls = new List<string>();
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Two", async script => await script.CallAsync<string>("Work", "first") + await script.CallAsync<string>("Work", "second"))
            .Activity<string, string>("Work", async name =>
            {
                lock (calls)
                {
                    calls.Add(name);
                }

                if (name == "second")
                {
                    await gate.PassAsync(CancellationToken.None);
                }

                return name;
            }));
        var instance = await hub.ScheduleAsync("Two");
        await gate.EnteredAsync();

        await hub.CrashAndRestartAsync();
        await gate.EnteredAsync();
        gate.Open();

        (await hub.OutputAsync<string>(instance)).ShouldBe("firstsecond");
        calls.ShouldBe(["first", "second", "second"]);
    }

    [Fact]
    public async Task Timers_events_and_local_variables_outlive_the_process()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Long", async script =>
        {
            var first = await script.EventAsync<int>("Number");
            var second = script.EventAsync<int>("Number");
            await script.SleepAsync(TimeSpan.FromHours(1));
            return first + await second;
        }));
        var instance = await hub.ScheduleAsync("Long");
        await hub.RaiseAsync(instance, "Number", 3);
        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);
        await hub.RaiseAsync(instance, "Number", 4);

        await hub.CrashAndRestartAsync();
        await hub.PassAsync(TimeSpan.FromHours(2));

        (await hub.OutputAsync<int>(instance)).ShouldBe(7);
    }

    [Fact]
    public async Task A_step_that_was_not_carried_out_is_tried_again_by_itself()
    {
        var tries = 0;
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator<int>("Try", _ => ++tries < 3
            ? throw new DurableTask.Core.Exceptions.SessionAbortedException("no worker")
            : Task.FromResult(tries)));
        var instance = await hub.ScheduleAsync("Try");

        await hub.PassUntilEndAsync(instance, TimeSpan.FromSeconds(1));

        (await hub.OutputAsync<int>(instance)).ShouldBe(3);
    }

    [Fact]
    public async Task An_activity_that_was_not_carried_out_is_tried_again_after_pauses_that_grow()
    {
        var tries = 0;
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Try", script => script.CallAsync<int>("Work"))
            .Activity<object?, int>("Work", _ => ++tries < 3 ? throw new DurableTask.Core.Exceptions.SessionAbortedException("no worker") : tries));
        var instance = await hub.ScheduleAsync("Try");

        await hub.Clock.TimerSetForAsync(TimeSpan.FromMilliseconds(250)).WaitAsync(TestHub.Patience);
        hub.Clock.Advance(TimeSpan.FromMilliseconds(250));
        await hub.Clock.TimerSetForAsync(TimeSpan.FromMilliseconds(500)).WaitAsync(TestHub.Patience);
        hub.Clock.Advance(TimeSpan.FromMilliseconds(500));

        (await hub.OutputAsync<int>(instance)).ShouldBe(3);
    }

    [Fact]
    public async Task Ten_thousand_unfinished_instances_are_taken_up_again()
    {
        const int Count = 10_000;
        await using var hub = await TestHub.StartAsync(new TestFunctions(), withWorker: false);
        await hub.Service.Store.CommitAsync((session, wakeups) =>
        {
            for (var i = 0; i < Count; i++)
            {
                var instance = new OrchestrationInstance { InstanceId = $"{i}", ExecutionId = $"{i}" };
                var start = new ExecutionStartedEvent(-1, "1") { Name = "Any", OrchestrationInstance = instance };
                Messages.Start(session, Message.From(new TaskMessage { OrchestrationInstance = instance, Event = start }), [], wakeups).ShouldBeNull();
            }
        });
        await hub.CrashAndRestartAsync();

        var taken = new HashSet<string>();
        while (taken.Count < Count)
        {
            var item = await hub.Service.LockNextTaskOrchestrationWorkItemAsync(TestHub.Patience, TestContext.Current.CancellationToken);
            taken.Add(item.ShouldNotBeNull().InstanceId).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task A_second_host_on_the_same_database_is_refused_in_a_sentence()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions());

        (await Should.ThrowAsync<StartupException>(hub.StartAgainAsync)).Message
            .ShouldBe($"The durable database {hub.DatabasePath} is in use by another host. Stop it, or give this one its own folder with --data.");
    }
}
