using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class ActivityTests
{
    [Fact]
    public async Task Inputs_and_outputs_travel_as_JSON()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Greet", async context => await context.CallActivityAsync<Person>("Rename", context.GetInput<Person>()))
            .Activity<Person, Person>("Rename", person => person with { Name = person.Name + "!" }));

        var ended = await engine.RunAsync("Greet", new Person("Ada", 36));

        ended.SerializedInput.ShouldBe("""{"Name":"Ada","Age":36}""");
        ended.ReadOutputAs<Person>().ShouldBe(new Person("Ada!", 36));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task Activities_one_after_the_other_each_run_once(int cached)
    {
        var calls = 0;
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Count", async context =>
                {
                    var sum = 0;
                    for (var i = 0; i < 20; i++)
                    {
                        sum = await context.CallActivityAsync<int>("Add", sum);
                    }

                    return sum;
                })
                .Activity<int, int>("Add", number =>
                {
                    Interlocked.Increment(ref calls);
                    return number + 1;
                }),
            cached);

        (await engine.OutputAsync<int>(await engine.ScheduleAsync("Count"))).ShouldBe(20);
        calls.ShouldBe(20);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_hundred_activities_run_side_by_side(int cached)
    {
        var gate = new Gate();
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("FanOut", async context =>
                    (await Task.WhenAll(Enumerable.Range(0, 100).Select(i => context.CallActivityAsync<int>("Square", i)))).Sum())
                .Activity<int, int>("Square", async (number, cancellation) =>
                {
                    await gate.PassAsync(cancellation);
                    return number * number;
                }),
            cached,
            activities: 100);

        var instance = await engine.ScheduleAsync("FanOut");
        for (var i = 0; i < 100; i++)
        {
            await gate.EnteredAsync();
        }

        gate.Open();
        (await engine.OutputAsync<int>(instance)).ShouldBe(328350);
    }

    [Fact]
    public async Task No_more_activities_run_at_once_than_the_limit_allows()
    {
        var running = 0;
        var most = 0;
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("FanOut", async context =>
                {
                    await Task.WhenAll(Enumerable.Range(0, 30).Select(i => context.CallActivityAsync<int>("Work", i)));
                    return true;
                })
                .Activity<int, int>("Work", async (number, _) =>
                {
                    var now = Interlocked.Increment(ref running);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref running);
                    return number;
                }),
            activities: 3);

        await engine.RunAsync("FanOut");

        most.ShouldBeInRange(1, 3);
    }

    [Fact]
    public async Task A_failed_activity_throws_with_its_name_its_number_and_what_it_said()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Try", async context =>
            {
                await context.CallActivityAsync<int>("Succeed", 1);
                try
                {
                    await context.CallActivityAsync("Fail", 2);
                    return "no exception";
                }
                catch (TaskFailedException error)
                {
                    return $"{error.Message} | {error.FailureDetails.ErrorType} | {error.FailureDetails.IsCausedBy<SystemException>()} | "
                        + error.FailureDetails.InnerFailure?.ErrorMessage;
                }
            })
            .Activity<int, int>("Succeed", number => number)
            .Activity<int, int>("Fail", _ => throw new InvalidOperationException("out of paper", new IOException("printer"))));

        (await engine.OutputAsync<string>(await engine.ScheduleAsync("Try"))).ShouldBe(
            "Task 'Fail' (#1) failed with an unhandled exception: out of paper | System.InvalidOperationException | True | printer");
    }

    [Fact]
    public async Task A_failure_that_the_orchestrator_does_not_catch_fails_the_instance()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Try", async context => await context.CallActivityAsync<int>("Fail", 2))
            .Activity<int, int>("Fail", _ => throw new InvalidOperationException("out of paper")));

        var ended = await engine.RunAsync("Try");

        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
        ended.FailureDetails!.ErrorType.ShouldBe(typeof(TaskFailedException).FullName);
        ended.FailureDetails.InnerFailure!.ErrorMessage.ShouldBe("out of paper");
    }

    [Fact]
    public async Task An_activity_that_no_function_is_fails_its_task()
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions().Orchestrator("Try", async context => await context.CallActivityAsync<int>("Nowhere")));

        var ended = await engine.RunAsync("Try");

        ended.FailureDetails!.ErrorMessage.ShouldBe(
            "Task 'Nowhere' (#0) failed with an unhandled exception: No activity function is called 'Nowhere'.");
    }

    [Fact]
    public async Task Losing_a_race_stops_no_activity_and_the_instance_waits_for_it()
    {
        var gate = new Gate();
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Race", async context =>
            {
                var slow = context.CallActivityAsync<string>("Slow");
                var quick = context.CallActivityAsync<string>("Quick");
                var winner = await await Task.WhenAny(slow, quick);
                context.SetCustomStatus(winner);
                return winner;
            })
            .Activity<object?, string>("Slow", async (_, cancellation) =>
            {
                await gate.PassAsync(cancellation);
                return "slow";
            })
            .Activity<object?, string>("Quick", _ => "quick"));

        var instance = await engine.ScheduleAsync("Race");
        await gate.EnteredAsync();
        await Until.TrueAsync(async () => (await engine.GetAsync(instance))!.ReadCustomStatusAs<string>() == "quick");
        (await engine.GetAsync(instance))!.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Running);

        gate.Open();
        (await engine.OutputAsync<string>(instance)).ShouldBe("quick");
    }

    [Fact]
    public async Task Options_given_as_the_input_are_refused()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Mistake", async context =>
            {
                await context.CallActivityAsync("Any", (object)TaskOptions.FromRetryPolicy(new RetryPolicy(2, TimeSpan.FromSeconds(1))));
                return true;
            }));

        (await engine.RunAsync("Mistake")).FailureDetails!.ErrorType.ShouldBe(typeof(ArgumentException).FullName);
    }

    private static void InterlockedMax(ref int place, int value)
    {
        for (var seen = Volatile.Read(ref place); seen < value; seen = Volatile.Read(ref place))
        {
            Interlocked.CompareExchange(ref place, value, seen);
        }
    }

    private sealed record Person(string Name, int Age);
}
