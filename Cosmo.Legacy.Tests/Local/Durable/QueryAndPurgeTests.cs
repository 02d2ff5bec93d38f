using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class QueryAndPurgeTests
{
    private static readonly TestFunctions Functions = new TestFunctions()
        .Orchestrator("Echo", context => Task.FromResult(context.GetInput<int>()))
        .Orchestrator("Wait", async context => await context.WaitForExternalEvent<int>("Go"))
        .Orchestrator("Parent", async context => await context.CallSubOrchestratorAsync<int>("Echo", 1, new SubOrchestrationOptions(instanceId: "child")));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_query_goes_through_all_pages()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await RunManyAsync(engine, "a-", 25);

        var pages = await engine.Client.GetAllInstancesAsync(new OrchestrationQuery(PageSize: 10)).AsPages().ToListAsync(Cancellation);

        pages.Select(page => page.Values.Count).ShouldBe([10, 10, 5]);
        pages.SelectMany(page => page.Values).Select(found => found.InstanceId).Distinct().Count().ShouldBe(25);
    }

    [Fact]
    public async Task A_query_chooses_by_id_status_and_time()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await RunManyAsync(engine, "a-", 2);
        await engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("a-waiting"));
        engine.Time.Advance(TimeSpan.FromHours(1));
        await RunManyAsync(engine, "b-", 1);

        (await FindAsync(new OrchestrationQuery(InstanceIdPrefix: "a-"))).ShouldBe(["a-0", "a-1", "a-waiting"]);
        (await FindAsync(new OrchestrationQuery(Statuses: [OrchestrationRuntimeStatus.Completed]))).ShouldBe(["a-0", "a-1", "b-0"]);
        (await FindAsync(new OrchestrationQuery(CreatedFrom: engine.Time.GetUtcNow()))).ShouldBe(["b-0"]);
        (await FindAsync(new OrchestrationQuery(CreatedTo: engine.Time.GetUtcNow().AddMinutes(-1), Statuses: [OrchestrationRuntimeStatus.Completed])))
            .ShouldBe(["a-0", "a-1"]);

        async Task<List<string>> FindAsync(OrchestrationQuery query)
            => await engine.Client.GetAllInstancesAsync(query).Select(found => found.InstanceId).Order().ToListAsync(Cancellation);
    }

    [Fact]
    public async Task Inputs_and_outputs_are_there_if_asked_for()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await engine.RunAsync("Echo", 7);

        var with = await engine.Client.GetAllInstancesAsync(new OrchestrationQuery(FetchInputsAndOutputs: true)).SingleAsync(Cancellation);
        var without = await engine.Client.GetAllInstancesAsync().SingleAsync(Cancellation);

        with.ReadOutputAs<int>().ShouldBe(7);
        Should.Throw<InvalidOperationException>(() => without.ReadOutputAs<int>());
    }

    [Fact]
    public async Task A_purge_removes_what_has_ended_and_nothing_else()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await RunManyAsync(engine, "a-", 3);
        await engine.ScheduleAsync("Wait", options: new StartOrchestrationOptions("waiting"));

        (await engine.Client.PurgeInstanceAsync("a-0", Cancellation)).PurgedInstanceCount.ShouldBe(1);
        (await engine.Client.PurgeInstanceAsync("waiting", Cancellation)).PurgedInstanceCount.ShouldBe(0);
        (await engine.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(), Cancellation)).PurgedInstanceCount.ShouldBe(2);

        (await engine.Client.GetAllInstancesAsync().Select(found => found.InstanceId).ToListAsync(Cancellation)).ShouldBe(["waiting"]);
    }

    [Fact]
    public async Task A_purge_of_many_goes_in_several_commits()
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        await RunManyAsync(engine, "a-", 450);

        (await engine.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter(), Cancellation)).PurgedInstanceCount.ShouldBe(450);
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task Children_are_purged_with_their_parent_if_asked(bool recursive, int expected)
    {
        await using var engine = await TestEngine.StartAsync(Functions);
        var parent = (await engine.RunAsync("Parent")).InstanceId;

        (await engine.Client.PurgeInstanceAsync(parent, new PurgeInstanceOptions(recursive), Cancellation)).PurgedInstanceCount.ShouldBe(expected);
    }

    private static async Task RunManyAsync(TestEngine engine, string prefix, int count)
    {
        var instances = await Task.WhenAll(Enumerable.Range(0, count)
            .Select(i => engine.ScheduleAsync("Echo", i, new StartOrchestrationOptions($"{prefix}{i}"))));
        await Task.WhenAll(instances.Select(engine.EndAsync));
    }
}
