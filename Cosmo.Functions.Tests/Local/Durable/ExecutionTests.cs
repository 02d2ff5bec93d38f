using Cosmo.Local.Durable;
using DurableTask.Core;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class ExecutionTests
{
    [Fact]
    public async Task Activities_one_after_the_other_each_run_once()
    {
        var runs = 0;
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Chain", async script =>
            {
                var sum = 0;
                for (var i = 1; i <= 10; i++)
                {
                    sum += await script.CallAsync<int>("Echo", i);
                }

                return sum;
            })
            .Activity<int, int>("Echo", number =>
            {
                Interlocked.Increment(ref runs);
                return number;
            }));

        (await hub.OutputAsync<int>(await hub.ScheduleAsync("Chain"))).ShouldBe(55);
        runs.ShouldBe(10);
    }

    [Fact]
    public async Task No_more_activities_run_at_once_than_the_limit_allows()
    {
        var gate = new Gate();
        var running = 0;
        var most = 0;
        await using var hub = await TestHub.StartAsync(
            new TestFunctions()
                .Orchestrator("Many", async script => (await Task.WhenAll(Enumerable.Range(0, 20).Select(i => script.CallAsync<int>("Work", i)))).Sum())
                .Activity<int, int>("Work", async number =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref running));
                    await gate.PassAsync(CancellationToken.None);
                    Interlocked.Decrement(ref running);
                    return number;
                }),
            options: new SqliteDurabilityOptions { DatabasePath = "", MaxConcurrentActivities = 3 });
        var instance = await hub.ScheduleAsync("Many");
        await gate.EnteredAsync();
        await gate.EnteredAsync();
        await gate.EnteredAsync();

        gate.Open();

        (await hub.OutputAsync<int>(instance)).ShouldBe(190);
        most.ShouldBe(3);
    }

    [Fact]
    public async Task A_failure_keeps_its_type_and_its_message_over_a_crash()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Fail", async script =>
            {
                try
                {
                    await script.CallAsync<int>("Work");
                }
                catch (DurableTask.Core.Exceptions.TaskFailedException failed)
                {
                    await script.EventAsync<bool>("Go");
                    return $"{failed.FailureDetails!.ErrorType}: {failed.FailureDetails.ErrorMessage}";
                }

                return "no failure";
            })
            .Activity<object?, int>("Work", _ => Task.FromException<int>(new InvalidDataException("no luck"))));
        var instance = await hub.ScheduleAsync("Fail");
        await hub.IdleAsync();
        await hub.CrashAndRestartAsync();

        await hub.RaiseAsync(instance, "Go", true);

        (await hub.OutputAsync<string>(instance)).ShouldBe("System.IO.InvalidDataException: no luck");
    }

    [Fact]
    public async Task A_failure_that_nobody_catches_fails_the_instance_and_its_state_says_why()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator<int>("Fail", _ => throw new InvalidOperationException("no luck")));

        var failed = await hub.RunAsync("Fail");

        failed.OrchestrationStatus.ShouldBe(OrchestrationStatus.Failed);
        failed.FailureDetails.ErrorMessage.ShouldBe("no luck");
    }

    [Fact]
    public async Task A_retry_waits_for_its_durable_timer()
    {
        var tries = 0;
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Try", script => script.Context.ScheduleWithRetry<int>("Flaky", "", new RetryOptions(TimeSpan.FromMinutes(1), 3), 1))
            .Activity<int, int>("Flaky", _ => ++tries < 3 ? throw new InvalidOperationException("again") : tries));
        var instance = await hub.ScheduleAsync("Try");

        await hub.Clock.TimersSetAsync().WaitAsync(TestHub.Patience);
        tries.ShouldBe(1);
        await hub.PassUntilEndAsync(instance, TimeSpan.FromMinutes(2));

        (await hub.OutputAsync<int>(instance)).ShouldBe(3);
    }

    [Fact]
    public async Task An_instance_that_continues_as_new_is_another_execution_and_forgets_the_history_and_the_timers_of_the_last()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Loop", async script =>
            {
                var round = script.Input<int>();
                using var cancellation = new CancellationTokenSource();
                var timer = script.SleepAsync(TimeSpan.FromDays(round), cancellation.Token);
                await script.CallAsync<int>("Note", round);
                if (round < 5)
                {
                    cancellation.Cancel();
                    script.Context.ContinueAsNew(round + 1);
                    return 0;
                }

                await script.EventAsync<bool>("Go");
                cancellation.Cancel();
                return round;
            })
            .Activity<int, int>("Note", round => round));
        var first = await hub.Client.CreateOrchestrationInstanceAsync("Loop", "", 1);
        var waiting = await hub.UntilAsync(first.InstanceId, state => state.Input == "5");
        waiting.OrchestrationInstance.ExecutionId.ShouldNotBe(first.ExecutionId);

        // The timer of the last execution is what is left when its activity has ended.
        await hub.UntilAsync(() => Task.FromResult(hub.CountOfWork() == 1));
        (await hub.Service.GetOrchestrationHistoryAsync(first.InstanceId, null)).ShouldNotContain("\"Input\":\"[4]\"");

        await hub.RaiseAsync(first.InstanceId, "Go", true);
        (await hub.OutputAsync<int>(first.InstanceId)).ShouldBe(5);
        hub.CountOfWork().ShouldBe(0);
    }

    [Fact]
    public async Task Events_that_came_while_an_instance_continued_as_new_reach_its_next_execution()
    {
        using var entered = new SemaphoreSlim(0);
        using var opened = new SemaphoreSlim(0);
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Loop", async script =>
            {
                if (script.Input<string>() == "second")
                {
                    return await script.EventAsync<int>("Number") + (10 * await script.EventAsync<int>("Number"));
                }

                // An orchestrator must not wait like that; here it holds its step open while events come.
                entered.Release();
                opened.Wait(TestHub.Patience);
                script.Context.ContinueAsNew("second");
                return 0;
            }));
        var instance = await hub.ScheduleAsync("Loop", "first");
        await entered.WaitAsync(TestHub.Patience);

        await hub.RaiseAsync(instance, "Number", 3);
        await hub.RaiseAsync(instance, "Number", 4);
        opened.Release();

        (await hub.OutputAsync<int>(instance)).ShouldBe(43);
    }

    [Fact]
    public async Task A_parent_gets_what_its_children_return_and_a_child_knows_its_parent()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async script => await Task.WhenAll(
                Enumerable.Range(1, 5).Select(i => script.Context.CreateSubOrchestrationInstance<int>("Double", "", $"{script.InstanceId}:{i}", i))))
            .Orchestrator("Double", async script => await script.CallAsync<int>("Twice", script.Input<int>()))
            .Activity<int, int>("Twice", number => 2 * number));
        var parent = await hub.ScheduleAsync("Parent");

        (await hub.OutputAsync<int[]>(parent)).ShouldBe([2, 4, 6, 8, 10]);
        (await hub.GetAsync($"{parent}:1"))!.ParentInstance.OrchestrationInstance.InstanceId.ShouldBe(parent);
    }

    [Fact]
    public async Task A_child_that_continues_as_new_still_answers_its_parent()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Parent", script => script.Context.CreateSubOrchestrationInstance<int>("Child", "", 0))
            .Orchestrator("Child", async script =>
            {
                var round = await script.CallAsync<int>("Next", script.Input<int>());
                if (round < 3)
                {
                    script.Context.ContinueAsNew(round);
                }

                return round;
            })
            .Activity<int, int>("Next", round => round + 1));

        (await hub.OutputAsync<int>(await hub.ScheduleAsync("Parent"))).ShouldBe(3);
    }

    [Fact]
    public async Task A_child_whose_id_is_taken_fails_its_task()
    {
        await using var hub = await TestHub.StartAsync(Parent().Orchestrator("Child", script => script.EventAsync<int>("Never")));
        await hub.ScheduleAsync("Child", id: "child");

        (await hub.OutputAsync<string>(await hub.ScheduleAsync("Parent"))).ShouldContain("already exists");
    }

    [Fact]
    public async Task A_child_that_nobody_waits_for_and_whose_id_is_taken_is_dropped_with_a_log_line()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async script =>
            {
                _ = script.Context.CreateSubOrchestrationInstance<int>(
                    "Child", "", "child", null, new Dictionary<string, string> { [OrchestrationTags.FireAndForget] = "" });
                return await script.EventAsync<bool>("Go");
            })
            .Orchestrator("Child", script => script.EventAsync<int>("Never")));
        await hub.ScheduleAsync("Child", id: "child");
        await hub.IdleAsync();

        var parent = await hub.ScheduleAsync("Parent");
        await hub.Logs.WaitForAsync(
            "ExecutionStarted to child was dropped: An instance with the id 'child' already exists and is Running.", TestContext.Current.CancellationToken);
        await hub.RaiseAsync(parent, "Go", true);

        (await hub.OutputAsync<bool>(parent)).ShouldBeTrue();
        hub.Logs.Text.ShouldNotContain("SubOrchestrationInstanceFailed");
        (await hub.Service.GetOrchestrationHistoryAsync(parent, null)).ShouldNotContain("already exists");
    }

    [Fact]
    public async Task A_child_whose_id_has_ended_is_started_anew()
    {
        await using var hub = await TestHub.StartAsync(Parent().Orchestrator("Child", _ => Task.FromResult(7)));
        await hub.RunAsync("Child", id: "child");

        (await hub.OutputAsync<string>(await hub.ScheduleAsync("Parent"))).ShouldBe("7");
    }

    [Fact]
    public async Task A_terminated_child_fails_its_task()
    {
        await using var hub = await TestHub.StartAsync(Parent().Orchestrator("Child", script => script.EventAsync<int>("Never")));
        var parent = await hub.ScheduleAsync("Parent");
        await hub.UntilAsync("child", _ => true);

        await hub.TerminateAsync("child", "not wanted");

        (await hub.OutputAsync<string>(parent)).ShouldContain("not wanted");
    }

    [Fact]
    public async Task The_custom_status_can_be_seen_while_the_instance_runs_and_after_it()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Status", async script =>
        {
            script.Status = "\"waiting\"";
            return await script.EventAsync<bool>("Go");
        }));
        var instance = await hub.ScheduleAsync("Status");
        await hub.UntilAsync(instance, state => state.Status == "\"waiting\"");

        await hub.RaiseAsync(instance, "Go", true);

        (await hub.EndAsync(instance)).Status.ShouldBe("\"waiting\"");
    }

    [Fact]
    public async Task A_failed_instance_is_rewound_and_runs_only_what_failed_once_more()
    {
        var runs = new List<string>();
        var broken = true;
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Parent", script => script.Context.CreateSubOrchestrationInstance<string>("Two", "", "child", null))
            .Orchestrator("Two", async script => await script.CallAsync<string>("Work", "one") + await script.CallAsync<string>("Work", "two"))
            .Activity<string, string>("Work", name =>
            {
                lock (runs)
                {
                    runs.Add(name);
                }

                return name == "two" && broken ? throw new InvalidOperationException("broken") : name;
            }));
        var failed = await hub.RunAsync("Parent");
        failed.OrchestrationStatus.ShouldBe(OrchestrationStatus.Failed);
        broken = false;

        await hub.Service.RewindAsync(failed.OrchestrationInstance.InstanceId, "mended");
        await hub.UntilAsync(failed.OrchestrationInstance.InstanceId, state => state.OrchestrationStatus != OrchestrationStatus.Failed);

        (await hub.OutputAsync<string>(failed.OrchestrationInstance.InstanceId)).ShouldBe("onetwo");
        runs.ShouldBe(["one", "two", "two"]);
    }

    [Fact]
    public async Task What_no_function_is_there_for_waits_and_is_told_with_its_id()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions(), TimeProvider.System);

        var instance = await hub.ScheduleAsync("Nowhere");

        await hub.Logs.WaitForAsync($"A step of {instance} was not carried out; it is tried again in", TestContext.Current.CancellationToken).WaitAsync(TestHub.Patience);
        (await hub.GetAsync(instance))!.OrchestrationStatus.ShouldBe(OrchestrationStatus.Pending);
    }

    private static TestFunctions Parent() => new TestFunctions().Orchestrator("Parent", async script =>
    {
        try
        {
            return $"{await script.Context.CreateSubOrchestrationInstance<int>("Child", "", "child", null)}";
        }
        catch (DurableTask.Core.Exceptions.SubOrchestrationFailedException failed)
        {
            return failed.Message + failed.FailureDetails?.ErrorMessage;
        }
    });
}
