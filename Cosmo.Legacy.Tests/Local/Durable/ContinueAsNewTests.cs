namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class ContinueAsNewTests
{
    [Theory]
    [InlineData(1000)]
    [InlineData(0)]
    public async Task An_instance_goes_on_with_a_new_input_under_its_id(int cached)
    {
        await using var engine = await TestEngine.StartAsync(
            new TestFunctions()
                .Orchestrator("Loop", async context =>
                {
                    var round = context.GetInput<int>();
                    await context.CallActivityAsync<int>("Note", round);
                    if (round < 5)
                    {
                        context.ContinueAsNew(round + 1);
                    }

                    return $"{context.InstanceId} {round}";
                })
                .Activity<int, int>("Note", round => round),
            cached);
        var instance = await engine.ScheduleAsync("Loop", 1);

        (await engine.OutputAsync<string>(instance)).ShouldBe($"{instance} 5");
    }

    [Theory]
    [InlineData(true, 3)]
    [InlineData(false, 9)]
    public async Task Events_that_were_not_waited_for_are_carried_over_if_asked(bool preserve, int expected)
    {
        var gate = new Gate();
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Loop", async context =>
            {
                if (context.GetInput<string>() == "second")
                {
                    return await context.WaitForExternalEvent<int>("Number");
                }

                await context.CallActivityAsync<bool>("Wait");
                context.ContinueAsNew("second", preserve);
                return 0;
            })
            .Activity<object?, bool>("Wait", async (_, cancellation) =>
            {
                await gate.PassAsync(cancellation);
                return true;
            }));
        var instance = await engine.ScheduleAsync("Loop", "first");
        await gate.EnteredAsync();
        await engine.RaiseAsync(instance, "Number", 3);
        gate.Open();
        await Until.TrueAsync(async () => (await engine.GetAsync(instance)) is { IsCompleted: true } or { SerializedInput: "\"second\"" });

        await engine.RaiseAsync(instance, "Number", 9);

        (await engine.OutputAsync<int>(instance)).ShouldBe(expected);
    }

    [Fact]
    public async Task A_child_that_continues_as_new_still_answers_its_parent()
    {
        await using var engine = await TestEngine.StartAsync(new TestFunctions()
            .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Child", 0))
            .Orchestrator("Child", context =>
            {
                var round = context.GetInput<int>();
                if (round < 3)
                {
                    context.ContinueAsNew(round + 1);
                }

                return Task.FromResult(round);
            }));

        (await engine.OutputAsync<int>(await engine.ScheduleAsync("Parent"))).ShouldBe(3);
    }
}
