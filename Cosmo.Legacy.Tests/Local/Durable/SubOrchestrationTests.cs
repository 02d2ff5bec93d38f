using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class SubOrchestrationTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_parent_gets_what_its_children_return(int cached)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Parent", async context =>
                    await Task.WhenAll(Enumerable.Range(1, 5).Select(i => context.CallSubOrchestratorAsync<int>("Double", i))))
                .Orchestrator("Double", async context => await context.CallActivityAsync<int>("Twice", context.GetInput<int>()))
                .Activity<int, int>("Twice", number => 2 * number),
            cached);

        (await engine.OutputAsync<int[]>(await engine.ScheduleAsync("Parent"))).ShouldBe([2, 4, 6, 8, 10]);
    }

    [Fact]
    public async Task A_child_knows_its_parent()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<string>("Child", options: new SubOrchestrationOptions(instanceId: "child")))
            .Orchestrator("Child", context => Task.FromResult($"{context.InstanceId} of {context.Parent?.Name} {context.Parent?.InstanceId}")));
        var parent = await engine.ScheduleAsync("Parent");

        (await engine.OutputAsync<string>(parent)).ShouldBe($"child of Parent {parent}");
    }

    [Fact]
    public async Task The_failure_of_a_child_is_thrown_in_its_parent()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Child"))
            .Orchestrator<int>("Child", _ => throw new InvalidOperationException("no luck")));

        (await engine.RunAsync("Parent")).FailureDetails!.ErrorMessage.ShouldBe("Task 'Child' (#0) failed with an unhandled exception: no luck");
    }

    [Fact]
    public async Task A_child_whose_id_is_taken_fails_its_task()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Wait", options: new SubOrchestrationOptions(instanceId: "taken")))
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<int>("Never")));
        await engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("taken"));

        (await engine.RunAsync("Parent")).FailureDetails!.ErrorMessage.ShouldContain("already exists");
    }

    [Fact]
    public async Task A_terminated_child_fails_its_task()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Wait", options: new SubOrchestrationOptions(instanceId: "child")))
            .Orchestrator("Wait", async context => await context.WaitForExternalEvent<int>("Never")));
        var parent = await engine.ScheduleAsync("Parent");
        await engine.Client.WaitForInstanceStartAsync("child", TestContext.Current.CancellationToken);

        await engine.Client.TerminateInstanceAsync("child", TestContext.Current.CancellationToken);

        (await engine.EndAsync(parent)).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Failed);
    }
}
