using Cosmo.Local.Runtime;
using Microsoft.Data.Sqlite;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class CrashTests
{
    [Fact]
    public async Task What_was_running_when_the_process_died_runs_again_and_what_had_finished_does_not()
    {
        var gate = new Gate();
        var calls = new List<string>();
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Two", async context =>
                await context.CallActivityAsync<string>("First") + await context.CallActivityAsync<string>("Second"))
            .Activity<object?, string>("First", _ => Note("first"))
            .Activity<object?, string>("Second", async (_, _) =>
            {
                Note("second");
                await gate.PassAsync(CancellationToken.None);
                return "second";
            }));
        var instance = await engine.ScheduleAsync("Two");
        await gate.EnteredAsync();

        await engine.CrashAndRestartAsync();
        await gate.EnteredAsync();
        gate.Open();

        (await engine.OutputAsync<string>(instance)).ShouldBe("firstsecond");
        calls.ShouldBe(["first", "second", "second"]);

        string Note(string call)
        {
            lock (calls)
            {
                calls.Add(call);
            }

            return call;
        }
    }

    [Fact]
    public async Task A_result_from_before_the_crash_reaches_nobody()
    {
        var gates = new[] { new Gate(), new Gate() };
        var run = -1;
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("One", async context => await context.CallActivityAsync<int>("Work"))
            .Activity<object?, int>("Work", async (_, _) =>
            {
                var mine = Interlocked.Increment(ref run);
                await gates[mine].PassAsync(CancellationToken.None);
                return mine;
            }));
        var instance = await engine.ScheduleAsync("One");
        await gates[0].EnteredAsync();
        await engine.CrashAndRestartAsync();
        await gates[1].EnteredAsync();

        gates[0].Open();
        gates[1].Open();

        (await engine.OutputAsync<int>(instance)).ShouldBe(1);
    }

    [Fact]
    public async Task Timers_events_and_local_variables_outlive_the_process()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Long", async context =>
            {
                var guid = context.NewGuid();
                var first = await context.WaitForExternalEvent<int>("Number");
                var second = context.WaitForExternalEvent<int>("Number");
                await context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
                var sum = first + await second;
                return await context.CallActivityAsync<Guid>("Echo", guid) == guid ? sum : -1;
            })
            .Activity<Guid, Guid>("Echo", guid => guid));
        var instance = await engine.ScheduleAsync("Long");
        await engine.RaiseAsync(instance, "Number", 3);
        await engine.TimerSetForAsync(TimeSpan.FromHours(1));
        await engine.RaiseAsync(instance, "Number", 4);

        await engine.CrashAndRestartAsync();
        await engine.AdvanceToTimerAsync(TimeSpan.FromHours(1));

        (await engine.OutputAsync<int>(instance)).ShouldBe(7);
    }

    [Fact]
    public async Task A_timer_that_fell_due_while_nobody_ran_fires_at_the_start()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Sleep", async context =>
        {
            await context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
            return true;
        }));
        var instance = await engine.ScheduleAsync("Sleep");
        await engine.TimerSetForAsync(TimeSpan.FromHours(1));
        await engine.StopAsync();
        engine.Time.Advance(TimeSpan.FromHours(2));

        await engine.StartAgainAsync();

        (await engine.OutputAsync<bool>(instance)).ShouldBeTrue();
    }

    [Fact]
    public async Task Crash_after_crash_two_hundred_conversations_all_come_to_their_end()
    {
        var crashes = 5;
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Chain", async context =>
            {
                var sum = 0;
                for (var i = 1; i <= 10; i++)
                {
                    sum += await context.CallActivityAsync<int>("Echo", i);
                }

                return sum;
            })
            .Activity<int, int>("Echo", number => number));
        var instances = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => engine.ScheduleAsync("Chain")));

        for (var i = 0; i < crashes; i++)
        {
            await engine.CrashAndRestartAsync();
        }

        foreach (var instance in instances)
        {
            (await engine.OutputAsync<int>(instance)).ShouldBe(55);
        }
    }

    [Fact]
    public async Task A_second_engine_on_the_same_database_is_refused()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions());

        (await Should.ThrowAsync<StartupException>(engine.StartAgainAsync)).Message.ShouldContain(engine.DatabasePath);
    }

    [Fact]
    public async Task A_stop_lets_a_running_activity_end_and_leaves_the_next_one_to_the_next_start()
    {
        var gate = new Gate();
        var second = 0;
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Two", async context => await context.CallActivityAsync<int>("First") + await context.CallActivityAsync<int>("Second"))
            .Activity<object?, int>("First", async (_, cancellation) =>
            {
                await gate.PassAsync(cancellation);
                return 1;
            })
            .Activity<object?, int>("Second", _ => Interlocked.Increment(ref second)));
        var instance = await engine.ScheduleAsync("Two");
        await gate.EnteredAsync();

        var stop = engine.StopAsync();
        gate.Open();
        await stop;
        second.ShouldBe(0);
        await engine.StartAgainAsync();

        (await engine.OutputAsync<int>(instance)).ShouldBe(2);
    }

    [Fact]
    public async Task An_activity_that_is_cancelled_by_a_stop_runs_again_at_the_next_start()
    {
        var gate = new Gate();
        var runs = 0;
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("One", async context => await context.CallActivityAsync<int>("Work"))
            .Activity<object?, int>("Work", async (_, cancellation) =>
            {
                var run = Interlocked.Increment(ref runs);
                await gate.PassAsync(cancellation);
                return run;
            }));
        var instance = await engine.ScheduleAsync("One");
        await gate.EnteredAsync();

        var stop = engine.StopAsync();
        await engine.AdvanceToTimerAsync(TimeSpan.FromSeconds(5));
        await stop;
        await engine.StartAgainAsync();
        await gate.EnteredAsync();
        gate.Open();

        (await engine.OutputAsync<int>(instance)).ShouldBe(2);
    }

    [Fact]
    public async Task Nothing_is_left_in_the_tables_of_work_when_all_has_ended()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Busy", async context =>
            {
                using var cancellation = new CancellationTokenSource();
                var timer = context.CreateTimer(TimeSpan.FromHours(1), cancellation.Token);
                await context.CallActivityAsync<int>("Echo", 1);
                cancellation.Cancel();
                return true;
            })
            .Activity<int, int>("Echo", number => number));
        var instance = await engine.ScheduleAsync("Busy");
        await engine.RaiseAsync(instance, "Unread");
        await engine.EndAsync(instance);
        await engine.StopAsync();

        await using var database = new SqliteConnection($"Data Source={engine.DatabasePath};Pooling=False");
        await database.OpenAsync(TestContext.Current.CancellationToken);
        await using var count = database.CreateCommand();
        count.CommandText = "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM timers) + (SELECT count(*) FROM activities)";
        (await count.ExecuteScalarAsync(TestContext.Current.CancellationToken)).ShouldBe(0L);
    }
}
