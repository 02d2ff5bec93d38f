using System.Runtime.CompilerServices;
using Cosmo.Local.Durable;
using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.History;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>Work as the store hands it out and takes it back, with the test in the place of the worker.</summary>
public sealed class WorkItemTests
{
    private static readonly TestFunctions Nothing = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_given_back_undone_is_handed_out_again_at_once_and_what_is_done_is_not()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");

        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(await LockAsync(hub));
        var again = await LockAsync(hub);
        await CompleteAsync(hub, again);
        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(again);

        (await NextAsync(hub)).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_abandoned_waits_longer_each_time_until_it_was_done()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");

        await AbandonAsync(hub, milliseconds: 250);
        await AbandonAsync(hub, milliseconds: 500);
        var done = await LockAsync(hub);
        await CompleteAsync(hub, done);
        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(done);
        await hub.RaiseAsync("one", "Go");

        await AbandonAsync(hub, milliseconds: 250);
    }

    [Fact]
    public async Task An_activity_that_is_abandoned_waits_until_its_time_or_the_next_start()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.Service.Store.CommitAsync((session, wakeups) => wakeups.Activities.Add(InsertActivity(session)));

        var item = await LockActivityAsync(hub);
        await hub.Service.AbandonTaskActivityWorkItemAsync(item);
        (await NextActivityAsync(hub)).ShouldBeNull();
        await hub.PassAsync(TimeSpan.FromMilliseconds(250));
        await hub.Service.AbandonTaskActivityWorkItemAsync(await LockActivityAsync(hub));
        (await NextActivityAsync(hub)).ShouldBeNull();
        await hub.StopAsync();
        await hub.StartAgainAsync();

        (await LockActivityAsync(hub)).TaskMessage.Event.ShouldBeOfType<TaskScheduledEvent>().Name.ShouldBe("Work");
        hub.Logs.Text.ShouldContain("Activity Work of one was not carried out; it is tried again in 00:00:00.5000000");
    }

    [Fact]
    public async Task Messages_that_belong_to_no_history_are_dropped_with_a_log_line()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");

        var item = await LockAsync(hub);
        await hub.RaiseAsync("one", "Later");
        await hub.Service.CompleteTaskOrchestrationWorkItemAsync(item, item.OrchestrationRuntimeState, [], [], [], null!, null!);
        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(item);

        hub.Logs.Text.ShouldContain("Messages to one were dropped: it has no history that they belong to");
        hub.CountOfWork().ShouldBe(1);
    }

    [Theory]
    [InlineData("ALTER TABLE inbox RENAME TO away", "ALTER TABLE away RENAME TO inbox", typeof(DurableStoreException))]
    [InlineData("UPDATE inbox SET event = 'broken' || event", "UPDATE inbox SET event = substr(event, 7)", typeof(InvalidDataException))]
    public async Task A_step_whose_messages_cannot_be_read_now_is_handed_out_when_they_can(string breaks, string mends, Type error)
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");
        await hub.Service.Store.CommitAsync((session, _) => session.ExecuteScript(breaks));

        (await Record.ExceptionAsync(() => LockAsync(hub))).ShouldBeOfType(error);
        (await NextAsync(hub)).ShouldBeNull();
        await hub.Service.Store.CommitAsync((session, _) => session.ExecuteScript(mends));
        await hub.PassAsync(TimeSpan.FromMilliseconds(250));

        (await LockAsync(hub)).InstanceId.ShouldBe("one");
    }

    [Theory]
    [InlineData("ALTER TABLE activities RENAME TO away", "ALTER TABLE away RENAME TO activities", typeof(DurableStoreException))]
    [InlineData("UPDATE activities SET event = 'broken' || event", "UPDATE activities SET event = substr(event, 7)", typeof(InvalidDataException))]
    public async Task An_activity_that_cannot_be_read_now_is_handed_out_when_it_can(string breaks, string mends, Type error)
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.Service.Store.CommitAsync((session, wakeups) =>
        {
            wakeups.Activities.Add(InsertActivity(session));
            session.ExecuteScript(breaks);
        });

        (await Record.ExceptionAsync(() => LockActivityAsync(hub))).ShouldBeOfType(error);
        await hub.Service.Store.CommitAsync((session, _) => session.ExecuteScript(mends));
        await hub.PassAsync(TimeSpan.FromMilliseconds(250));

        (await LockActivityAsync(hub)).TaskMessage.Event.ShouldBeOfType<TaskScheduledEvent>().Name.ShouldBe("Work");
    }

    [Fact]
    public async Task Timers_that_cannot_be_fired_now_fire_a_second_later()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.Client.CreateScheduledOrchestrationInstanceAsync("Any", "", "later", null, hub.Time.GetUtcNow().UtcDateTime.AddHours(1));
        await hub.Service.Store.CommitAsync((session, _) => session.ExecuteScript("CREATE TRIGGER broken BEFORE DELETE ON timers BEGIN SELECT RAISE(ABORT, 'broken'); END"));

        await hub.PassAsync(TimeSpan.FromHours(1));
        await hub.Logs.WaitForAsync("Due timers were not fired; they are tried again in 00:00:01", Cancellation);
        await hub.Service.Store.CommitAsync((session, _) => session.ExecuteScript("DROP TRIGGER broken"));
        await hub.Clock.TimerSetForAsync(TimeSpan.FromSeconds(1));
        hub.Clock.Advance(TimeSpan.FromSeconds(1));

        (await LockAsync(hub)).InstanceId.ShouldBe("later");
    }

    [Fact]
    public async Task Who_waits_for_work_is_told_when_its_time_is_over_or_it_is_to_stop_and_what_came_right_then_is_there_for_the_next()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        using var stop = new CancellationTokenSource();
        (await hub.Service.LockNextTaskOrchestrationWorkItemAsync(TimeSpan.FromMilliseconds(1), Cancellation)).ShouldBeNull();
        (await hub.Service.LockNextTaskActivityWorkItem(TimeSpan.FromMilliseconds(1), Cancellation)).ShouldBeNull();
        Task[] open = [hub.Service.LockNextTaskOrchestrationWorkItemAsync(TimeSpan.FromHours(1), stop.Token), hub.Service.LockNextTaskActivityWorkItem(TimeSpan.FromHours(1), stop.Token)];

        // Not on another thread: a dispatcher that stops looks right then whether this is over.
        stop.Cancel();
        open.ShouldAllBe(wait => wait.IsCompletedSuccessfully);
        await hub.ScheduleAsync("Any", id: "one");
        await hub.Service.Store.CommitAsync((session, wakeups) => wakeups.Activities.Add(InsertActivity(session)));
        (await hub.Service.LockNextTaskOrchestrationWorkItemAsync(TestHub.Patience, stop.Token)).ShouldBeNull();
        (await hub.Service.LockNextTaskActivityWorkItem(TestHub.Patience, stop.Token)).ShouldBeNull();

        (await LockAsync(hub)).InstanceId.ShouldBe("one");
        (await LockActivityAsync(hub)).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_stays_in_memory_of_an_instance_is_what_the_file_has()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Loop", async script =>
        {
            await script.EventAsync<int>("Number");
            await script.EventAsync<int>("Number");
            if (script.Input<int>() == 0)
            {
                script.ContinueAsNew(1);
            }
            else
            {
                await script.EventAsync<int>("Number");
            }

            return 0;
        }));
        await hub.ScheduleAsync("Loop", 0, "one");

        for (var number = 1; number <= 4; number++)
        {
            var live = await LiveAsync(hub);
            var (kept, read) = await hub.Service.Store.CommitAsync((session, _) =>
            {
                Messages.Deliver(session, Message.From(Raised("one", number)), new Wakeups());
                return (Inbox.Lock(session, live.Locked.Id, live, new ReadyQueue())!, Inbox.Lock(session, live.Locked.Id, null, new ReadyQueue())!);
            });
            kept.Locked.ShouldBe(read.Locked);
            kept.OrchestrationRuntimeState.Events.Select(happened => (happened.EventType, happened.Timestamp))
                .ShouldBe(read.OrchestrationRuntimeState.Events.Select(happened => (happened.EventType, happened.Timestamp)));

            // What was read above was not announced.
            await hub.Service.Store.CommitAsync((_, wakeups) => wakeups.Instances.Add(new ReadyInstance(live.Locked.Id, false)));
            await hub.IdleAsync();
        }
    }

    [Fact]
    public async Task An_instance_that_is_announced_without_a_message_stays_in_memory()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");
        var item = await LockAsync(hub);
        await CompleteAsync(hub, item);
        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(item);
        await hub.Service.Store.CommitAsync((_, wakeups) => wakeups.Instances.Add(new ReadyInstance(item.Locked.Id, false)));

        (await NextAsync(hub)).ShouldBeNull();

        LiveOf(hub.Service).Take(item.Locked.Id).ShouldNotBeNull();
    }

    [Fact]
    public async Task What_was_removed_while_it_was_worked_on_does_not_come_back()
    {
        await using var hub = await TestHub.StartAsync(Nothing, withWorker: false);
        await hub.ScheduleAsync("Any", id: "one");
        var item = await LockAsync(hub);
        await hub.Service.Store.CommitAsync((session, _) => Instances.Delete(session, item.Locked.Id));

        await CompleteAsync(hub, item, activities: [new TaskMessage { OrchestrationInstance = new() { InstanceId = "one" }, Event = new TaskScheduledEvent(0) { Name = "Work" } }]);

        (await hub.GetAsync("one")).ShouldBeNull();
        LiveOf(hub.Service).Take(item.Locked.Id).ShouldBeNull();
        hub.Service.Store.Read(session => session.Find("SELECT (SELECT count(*) FROM history) + (SELECT count(*) FROM activities)", row => row.Long(0))).ShouldBe(0);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_live")]
    private static extern ref LiveInstances LiveOf(SqliteOrchestrationService service);

    private static TaskMessage Raised(string instanceId, int number) => new()
    {
        OrchestrationInstance = new OrchestrationInstance { InstanceId = instanceId },
        Event = new EventRaisedEvent(-1, $"{number}") { Name = "Number" },
    };

    private static long InsertActivity(SqliteSession session) => Activities.Insert(
        session, Message.From(new TaskMessage { OrchestrationInstance = new() { InstanceId = "one", ExecutionId = "first" }, Event = new TaskScheduledEvent(0) { Name = "Work" } }), null);

    /// <summary>The one instance, once its last step has left it in memory.</summary>
    private static async Task<LiveInstance> LiveAsync(TestHub hub)
    {
        await hub.IdleAsync();
        LiveInstance? live = null;
        await hub.UntilAsync(() => Task.FromResult((live = LiveOf(hub.Service).Take(1)) is not null));
        return live!;
    }

    private static async Task<InstanceWorkItem> LockAsync(TestHub hub) =>
        (InstanceWorkItem)(await hub.Service.LockNextTaskOrchestrationWorkItemAsync(TestHub.Patience, Cancellation)).ShouldNotBeNull();

    private static async Task<TaskOrchestrationWorkItem?> NextAsync(TestHub hub) => await hub.Service.LockNextTaskOrchestrationWorkItemAsync(TimeSpan.Zero, Cancellation);

    private static async Task<TaskActivityWorkItem> LockActivityAsync(TestHub hub) => (await hub.Service.LockNextTaskActivityWorkItem(TestHub.Patience, Cancellation)).ShouldNotBeNull();

    private static async Task<TaskActivityWorkItem?> NextActivityAsync(TestHub hub) => await hub.Service.LockNextTaskActivityWorkItem(TimeSpan.Zero, Cancellation);

    /// <summary>Does not carry out the next step, and lets the pause go by after which it is to be tried again.</summary>
    private static async Task AbandonAsync(TestHub hub, int milliseconds)
    {
        var item = await LockAsync(hub);
        await hub.Service.AbandonTaskOrchestrationWorkItemAsync(item);
        await hub.Service.ReleaseTaskOrchestrationWorkItemAsync(item);
        (await NextAsync(hub)).ShouldBeNull();
        await hub.Clock.TimerSetForAsync(TimeSpan.FromMilliseconds(milliseconds));
        hub.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
    }

    /// <summary>Carries out a step that sees what has come and waits.</summary>
    private static async Task CompleteAsync(TestHub hub, InstanceWorkItem item, params TaskMessage[] activities)
    {
        var runtime = item.OrchestrationRuntimeState;
        runtime.AddEvent(new OrchestratorStartedEvent(-1));
        item.NewMessages.ToList().ForEach(message => runtime.AddEvent(message.Event));
        runtime.AddEvent(new OrchestratorCompletedEvent(-1));
        var state = new OrchestrationState { OrchestrationInstance = runtime.OrchestrationInstance, Name = runtime.Name, OrchestrationStatus = OrchestrationStatus.Running };
        await hub.Service.CompleteTaskOrchestrationWorkItemAsync(item, runtime, activities, [], [], null!, state);
    }
}
