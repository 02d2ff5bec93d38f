using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class StartTests
{
    private static readonly TestFunctions Functions = new TestFunctions()
        .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("Go"))
        .Orchestrator("Echo", context => Task.FromResult(context.GetInput<string>()));

    [Theory]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a#b")]
    [InlineData("a?b")]
    [InlineData("a\tb")]
    [InlineData("@a@b")]
    [InlineData("")]
    public async Task An_instance_id_of_the_wrong_form_is_refused(string instanceId)
    {
        await using var engine = await TestEngine.StartAsync(Functions);

        await Should.ThrowAsync<ArgumentException>(() => engine.ScheduleAsync("Echo", options: new StartOrchestrationOptions(instanceId)));
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public async Task An_instance_id_has_at_most_a_hundred_characters(int length, bool isAllowed)
    {
        await using var engine = await TestEngine.StartAsync(Functions);

        var start = engine.ScheduleAsync("Echo", options: new StartOrchestrationOptions(new string('x', length)));

        (await Record.ExceptionAsync(() => start) is null).ShouldBe(isAllowed);
    }

    [Fact]
    public async Task An_id_that_runs_cannot_be_started()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("once"));

        await Should.ThrowAsync<OrchestrationAlreadyExistsException>(
            () => engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("once")));
    }

    [Fact]
    public async Task Of_many_who_start_the_same_id_at_once_one_succeeds()
    {
        await using var engine = await TestEngine.StartAsync(Functions);

        var starts = Enumerable.Range(0, 20).Select(async _ =>
            await Record.ExceptionAsync(() => engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("once"))));

        (await Task.WhenAll(starts)).Count(error => error is null).ShouldBe(1);
    }

    [Fact]
    public async Task An_id_that_has_ended_is_started_anew()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        var options = new StartOrchestrationOptions("again");
        await engine.EndAsync(await engine.ScheduleAsync("Echo", "one", options));

        await engine.ScheduleAsync("Echo", "two", options);

        (await engine.OutputAsync<string>("again")).ShouldBe("two");
    }

    [Fact]
    public async Task An_id_that_has_ended_is_refused_if_the_options_say_so()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        var options = new StartOrchestrationOptions("again").WithDedupeStatuses(OrchestrationRuntimeStatus.Completed);
        await engine.EndAsync(await engine.ScheduleAsync("Echo", "one", options));

        await Should.ThrowAsync<OrchestrationAlreadyExistsException>(() => engine.ScheduleAsync("Echo", "two", options));
    }

    [Fact]
    public async Task A_late_result_of_an_earlier_run_does_not_reach_the_new_one()
    {
        var gates = new[] { new Gate(), new Gate() };
        var runs = -1;
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("One", async context => await context.CallActivityAsync<int>("Work"))
            .Activity<object?, int>("Work", async (_, cancellation) =>
            {
                var run = Interlocked.Increment(ref runs);
                await gates[run].PassAsync(cancellation);
                return run;
            }));
        var options = new StartOrchestrationOptions("again");
        await engine.ScheduleAsync("One", options: options);
        await gates[0].EnteredAsync();
        await engine.Client.TerminateInstanceAsync("again", TestContext.Current.CancellationToken);
        await engine.EndAsync("again");
        await engine.ScheduleAsync("One", options: options);
        await gates[1].EnteredAsync();

        gates[0].Open();
        gates[1].Open();

        (await engine.OutputAsync<int>("again")).ShouldBe(1);
    }

    [Fact]
    public async Task An_orchestrator_that_no_function_is_fails_the_instance()
    {
        await using var engine = await TestEngine.StartAsync(Functions);

        var ended = await engine.RunAsync("Nowhere");

        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
        ended.FailureDetails!.ErrorMessage.ShouldBe("No orchestrator function is called 'Nowhere'.");
    }
}
