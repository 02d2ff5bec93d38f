using DurableTask.Core;
using DurableTask.Core.Exceptions;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class StartTests
{
    private static readonly TestFunctions Functions = new TestFunctions()
        .Orchestrator("Wait", script => script.EventAsync<string>("Go"))
        .Orchestrator("Echo", script => Task.FromResult(script.Input<string>()));

    [Fact]
    public async Task An_instance_runs_and_its_state_tells_all_about_it()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var instance = await hub.Client.CreateOrchestrationInstanceAsync("Echo", "", "known", "hello", new Dictionary<string, string> { ["of"] = "test" });

        var ended = await hub.EndAsync("known");

        ended.OrchestrationInstance.ExecutionId.ShouldBe(instance.ExecutionId);
        ended.OrchestrationStatus.ShouldBe(OrchestrationStatus.Completed);
        (ended.Name, ended.Input, ended.Output, ended.Tags["of"]).ShouldBe(("Echo", "\"hello\"", "\"hello\"", "test"));
        ended.CreatedTime.Kind.ShouldBe(DateTimeKind.Utc);
        ended.CompletedTime.ShouldBeInRange(ended.CreatedTime, ended.LastUpdatedTime);
    }

    [Fact]
    public async Task An_id_that_runs_cannot_be_started()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.ScheduleAsync("Wait", id: "once");

        await Should.ThrowAsync<OrchestrationAlreadyExistsException>(() => hub.ScheduleAsync("Wait", id: "once"));
    }

    [Fact]
    public async Task Of_many_who_start_the_same_id_at_once_one_succeeds()
    {
        await using var hub = await TestHub.StartAsync(Functions);

        var starts = Enumerable.Range(0, 20).Select(async _ => await Record.ExceptionAsync(() => hub.ScheduleAsync("Wait", id: "once")));

        (await Task.WhenAll(starts)).Count(error => error is null).ShouldBe(1);
    }

    [Fact]
    public async Task An_id_that_has_ended_is_started_anew_as_another_execution()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var first = await hub.RunAsync("Echo", "one", "again");

        await hub.ScheduleAsync("Echo", "two", "again");

        (await hub.OutputAsync<string>("again")).ShouldBe("two");
        (await hub.GetAsync("again"))!.OrchestrationInstance.ExecutionId.ShouldNotBe(first.OrchestrationInstance.ExecutionId);
        (await hub.Service.GetOrchestrationHistoryAsync("again", first.OrchestrationInstance.ExecutionId)).ShouldBe("[]");
    }

    [Fact]
    public async Task An_id_that_has_ended_in_a_status_to_dedupe_is_refused()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.RunAsync("Echo", "one", "again");

        await Should.ThrowAsync<OrchestrationAlreadyExistsException>(() => hub.ScheduleAsync("Echo", "two", "again", OrchestrationStatus.Completed));
        await hub.ScheduleAsync("Echo", "three", "again", OrchestrationStatus.Failed);

        (await hub.OutputAsync<string>("again")).ShouldBe("three");
    }

    [Fact]
    public async Task A_late_result_of_an_earlier_execution_does_not_reach_the_new_one()
    {
        var gates = new[] { new Gate(), new Gate() };
        var runs = -1;
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("One", script => script.CallAsync<int>("Work"))
            .Activity<object?, int>("Work", async _ =>
            {
                var run = Interlocked.Increment(ref runs);
                await gates[run].PassAsync(CancellationToken.None);
                return run;
            }));
        await hub.ScheduleAsync("One", id: "again");
        await gates[0].EnteredAsync();
        await hub.TerminateAsync("again");
        await hub.EndAsync("again");
        await hub.ScheduleAsync("One", id: "again");
        await gates[1].EnteredAsync();

        gates[0].Open();
        gates[1].Open();

        (await hub.OutputAsync<int>("again")).ShouldBe(1);
    }

    [Fact]
    public async Task An_instance_scheduled_for_later_starts_then_and_keeps_the_events_that_came_before()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.Client.CreateScheduledOrchestrationInstanceAsync("Wait", "", "later", null, hub.Time.GetUtcNow().UtcDateTime.AddHours(1));
        await hub.RaiseAsync("later", "Go", "bird");
        (await hub.GetAsync("later"))!.OrchestrationStatus.ShouldBe(OrchestrationStatus.Pending);

        await hub.PassAsync(TimeSpan.FromHours(1));

        (await hub.OutputAsync<string>("later")).ShouldBe("bird");
    }

    [Fact]
    public async Task An_instance_scheduled_for_later_does_not_start_sooner_because_it_was_suspended_and_resumed()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.Client.CreateScheduledOrchestrationInstanceAsync("Echo", "", "later", "x", hub.Time.GetUtcNow().UtcDateTime.AddHours(1));
        var later = new OrchestrationInstance { InstanceId = "later" };
        await hub.Client.SuspendInstanceAsync(later);
        await hub.Client.ResumeInstanceAsync(later);
        await hub.RunAsync("Echo", "another");
        (await hub.GetAsync("later"))!.OrchestrationStatus.ShouldBe(OrchestrationStatus.Pending);

        await hub.PassAsync(TimeSpan.FromHours(1));

        (await hub.OutputAsync<string>("later")).ShouldBe("x");
    }

    [Fact]
    public async Task An_instance_scheduled_for_later_can_be_terminated_before()
    {
        await using var hub = await TestHub.StartAsync(Functions);
        await hub.Client.CreateScheduledOrchestrationInstanceAsync("Echo", "", "later", "x", hub.Time.GetUtcNow().UtcDateTime.AddHours(1));

        await hub.TerminateAsync("later", "no need");

        var ended = await hub.EndAsync("later");
        (ended.OrchestrationStatus, ended.Output).ShouldBe((OrchestrationStatus.Terminated, "no need"));
        (ended.CompletedTime, ended.LastUpdatedTime).ShouldBe((hub.Time.GetUtcNow().UtcDateTime, hub.Time.GetUtcNow().UtcDateTime));
        hub.CountOfWork().ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_waits_for_an_end_is_told_when_it_comes_before_the_start_as_well(bool hasStarted)
    {
        await using var hub = await TestHub.StartAsync(Functions);
        var at = hub.Time.GetUtcNow().UtcDateTime.AddHours(1);
        await (hasStarted ? (Task)hub.ScheduleAsync("Wait", id: "one") : hub.Client.CreateScheduledOrchestrationInstanceAsync("Wait", "", "one", null, at));
        await hub.RaiseAsync("one", "Other");
        await (hasStarted ? hub.IdleAsync() : Task.CompletedTask);
        var end = hub.Service.WaitForOrchestrationAsync("one", "", TimeSpan.MaxValue, TestContext.Current.CancellationToken);
        var other = hub.Service.WaitForOrchestrationAsync("one", "", TestHub.Patience, TestContext.Current.CancellationToken);
        (await hub.GetAsync("one"))!.ScheduledStartTime.ShouldBe(hasStarted ? null : at);

        await hub.TerminateAsync("one");

        (await end.WaitAsync(TestHub.Patience)).OrchestrationStatus.ShouldBe(OrchestrationStatus.Terminated);
        (await other).OrchestrationStatus.ShouldBe(OrchestrationStatus.Terminated);
        hub.CountOfWork().ShouldBe(0);
    }
}
