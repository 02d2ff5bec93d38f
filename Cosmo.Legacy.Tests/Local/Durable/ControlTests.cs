using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class ControlTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_terminated_instance_ends_at_once_with_the_output_it_is_given()
    {
        await using var engine = await TestEngine.StartAsync(Waiting());
        var instance = await engine.ScheduleAsync("Wait");

        await engine.Client.TerminateInstanceAsync(instance, new TerminateInstanceOptions("enough"), Cancellation);

        var ended = await engine.EndAsync(instance);
        ended.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Terminated);
        ended.ReadOutputAs<string>().ShouldBe("enough");
    }

    [Theory]
    [InlineData(true, OrchestrationRuntimeStatus.Terminated)]
    [InlineData(false, OrchestrationRuntimeStatus.Running)]
    public async Task Children_are_terminated_with_their_parent_if_asked(bool recursive, OrchestrationRuntimeStatus expected)
    {
        await using var engine = await TestEngine.StartAsync(Waiting().Orchestrator(
            "Parent",
            async context => await context.CallSubOrchestratorAsync<string>("Wait", options: new SubOrchestrationOptions(instanceId: "child"))));
        var parent = await engine.ScheduleAsync("Parent");
        await engine.Client.WaitForInstanceStartAsync("child", Cancellation);

        await engine.Client.TerminateInstanceAsync(parent, new TerminateInstanceOptions(Recursive: recursive), Cancellation);
        await engine.EndAsync(parent);

        if (recursive)
        {
            await engine.EndAsync("child");
        }

        (await engine.GetAsync("child"))!.RuntimeStatus.ShouldBe(expected);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task A_suspended_instance_sees_nothing_until_it_is_resumed(int cached)
    {
        await using var engine = await TestEngine.StartAsync(Waiting(), cached);
        var instance = await engine.ScheduleAsync("Wait");
        await engine.Client.SuspendInstanceAsync(instance, "a pause", Cancellation);
        await Until.TrueAsync(async () => (await engine.GetAsync(instance))!.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        await engine.RaiseAsync(instance, "Go", "now");
        await engine.CrashAndRestartAsync();
        (await engine.GetAsync(instance))!.RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Suspended);

        await engine.Client.ResumeInstanceAsync(instance, "go on", Cancellation);

        (await engine.OutputAsync<string>(instance)).ShouldBe("now");
    }

    [Fact]
    public async Task A_suspended_instance_can_be_terminated()
    {
        await using var engine = await TestEngine.StartAsync(Waiting());
        var instance = await engine.ScheduleAsync("Wait");
        await engine.Client.SuspendInstanceAsync(instance, cancellation: Cancellation);

        await engine.Client.TerminateInstanceAsync(instance, Cancellation);

        (await engine.EndAsync(instance)).RuntimeStatus.ShouldBe(OrchestrationRuntimeStatus.Terminated);
    }

    [Fact]
    public async Task What_is_not_there_or_has_ended_cannot_be_terminated()
    {
        await using var engine = await TestEngine.StartAsync(Waiting());
        var instance = await engine.ScheduleAsync("Wait");
        await engine.RaiseAsync(instance, "Go", "now");
        await engine.EndAsync(instance);

        await Should.ThrowAsync<InvalidOperationException>(() => engine.Client.TerminateInstanceAsync(instance, Cancellation));
        await Should.ThrowAsync<ArgumentException>(() => engine.Client.TerminateInstanceAsync("nobody", Cancellation));
    }

    [Fact]
    public async Task A_wait_for_an_end_is_itself_ended_when_the_engine_stops()
    {
        await using var engine = await TestEngine.StartAsync(Waiting());
        var end = engine.EndAsync(await engine.ScheduleAsync("Wait"));

        await engine.StopAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => end);
    }

    private static TestFunctions Waiting() => new TestFunctions()
        .Orchestrator("Wait", async context => await context.WaitForExternalEvent<string>("Go"));
}
