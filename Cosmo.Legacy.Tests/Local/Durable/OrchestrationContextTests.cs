namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class OrchestrationContextTests
{
    [Fact]
    public async Task Time_and_GUIDs_are_the_same_in_every_replay()
    {
        var seen = new List<string>();
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Look", async context =>
                {
                    lock (seen)
                    {
                        seen.Add($"{context.CurrentUtcDateTime:o} {context.NewGuid()} {context.NewGuid()}");
                    }

                    await context.CreateTimer(TimeSpan.FromMinutes(1), CancellationToken.None);
                    return await context.CallActivityAsync<int>("Any");
                })
                .Activity<object?, int>("Any", _ => 1),
            cached: 0);
        var instance = await engine.ScheduleAsync("Look");

        await engine.AdvanceToTimerAsync(TimeSpan.FromMinutes(1));
        await engine.EndAsync(instance);

        seen.Count.ShouldBe(3);
        seen.Distinct().Count().ShouldBe(1);
        seen[0].Split(' ')[1].ShouldNotBe(seen[0].Split(' ')[2]);
    }

    [Fact]
    public async Task Only_what_happens_for_the_first_time_is_not_a_replay()
    {
        var seen = new List<bool>();
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Look", async context =>
                {
                    lock (seen)
                    {
                        seen.Add(context.IsReplaying);
                    }

                    var result = await context.CallActivityAsync<int>("Any");
                    lock (seen)
                    {
                        seen.Add(context.IsReplaying);
                    }

                    return result;
                })
                .Activity<object?, int>("Any", _ => 1),
            cached: 0);

        await engine.RunAsync("Look");

        seen.ShouldBe([false, true, false]);
    }

    [Fact]
    public async Task The_custom_status_can_be_seen_while_the_instance_runs_and_after_it()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Show", async context =>
        {
            context.SetCustomStatus(new { Step = "waiting" });
            await context.WaitForExternalEvent<int>("Go");
            context.SetCustomStatus(new { Step = "done" });
            return true;
        }));
        var instance = await engine.ScheduleAsync("Show");
        var running = await engine.Client.WaitForInstanceStartAsync(instance, true, TestContext.Current.CancellationToken);
        running.SerializedCustomStatus.ShouldBe("""{"Step":"waiting"}""");

        await engine.RaiseAsync(instance, "Go");

        (await engine.EndAsync(instance)).SerializedCustomStatus.ShouldBe("""{"Step":"done"}""");
    }

    [Fact]
    public async Task A_custom_status_above_16_KiB_is_refused()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions().Orchestrator("Show", context =>
        {
            context.SetCustomStatus(new string('x', 8 * 1024));
            return Task.FromResult(true);
        }));

        (await engine.RunAsync("Show")).FailureDetails!.ErrorType.ShouldBe(typeof(ArgumentException).FullName);
    }

    [Fact]
    public async Task Two_hundred_instances_run_at_once()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Chat", async context =>
            {
                var sum = 0;
                for (var i = 0; i < 3; i++)
                {
                    sum += await context.CallActivityAsync<int>("Echo", context.GetInput<int>());
                }

                return sum;
            })
            .Activity<int, int>("Echo", number => number));

        var outputs = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
            await engine.OutputAsync<int>(await engine.ScheduleAsync("Chat", i))));

        outputs.ShouldBe(Enumerable.Range(0, 200).Select(i => 3 * i));
    }
}
