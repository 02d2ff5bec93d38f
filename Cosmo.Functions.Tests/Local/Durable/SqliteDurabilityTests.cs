using Cosmo.Local.Durable;
using Cosmo.Local.Host;
using DurableTask.Core;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class SqliteDurabilityTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-provider-");

    private string DatabasePath => Path.Combine(_folder.FullName, "durable.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_extension_and_its_clients_share_one_store()
    {
        await using var services = Services();
        var factory = services.GetRequiredService<IDurabilityProviderFactory>();

        factory.Name.ShouldBe("sqlite");
        File.Exists(DatabasePath).ShouldBeFalse();
        var provider = factory.GetDurabilityProvider();
        factory.GetDurabilityProvider(new DurableClientAttribute()).ShouldBeSameAs(provider);
        factory.GetDurabilityProvider(new DurableClientAttribute { TaskHub = "CosmoHub" }).ShouldBeSameAs(provider);
        Should.Throw<InvalidOperationException>(() => factory.GetDurabilityProvider(new DurableClientAttribute { TaskHub = "other" })).Message.ShouldContain("'other'");
    }

    [Fact]
    public async Task The_settings_of_host_json_reach_the_store()
    {
        await using var services = Services(options =>
        {
            options.MaxConcurrentActivityFunctions = 3;
            options.MaxConcurrentOrchestratorFunctions = 4;
            options.StorageProvider["synchronous"] = "full";
        });

        var provider = services.GetRequiredService<IDurabilityProviderFactory>().GetDurabilityProvider();

        (provider.MaxConcurrentTaskActivityWorkItems, provider.MaxConcurrentTaskOrchestrationWorkItems).ShouldBe((3, 4));
        provider.ConfigurationJson.ToString(Newtonsoft.Json.Formatting.None).ShouldBe(
            $$"""{"type":"sqlite","database":{{Newtonsoft.Json.JsonConvert.ToString(DatabasePath)}},"synchronous":"FULL"}""");
    }

    [Fact]
    public async Task A_wrong_setting_is_told_by_its_name()
    {
        await using var services = Services(options => options.StorageProvider["synchronous"] = "sometimes");

        Should.Throw<StartupException>(() => services.GetRequiredService<IDurabilityProviderFactory>().GetDurabilityProvider()).Message
            .ShouldBe("extensions:durableTask:storageProvider:synchronous is 'SOMETIMES'; it has to be NORMAL or FULL.");
    }

    [Fact]
    public async Task The_file_is_free_again_when_the_services_are_gone()
    {
        await using (var services = Services())
        {
            services.GetRequiredService<IDurabilityProviderFactory>().GetDurabilityProvider();
        }

        await using var others = Services();
        others.GetRequiredService<IDurabilityProviderFactory>().GetDurabilityProvider();
    }

    [Fact]
    public async Task A_query_of_the_extension_gives_payloads_as_JSON_or_as_text()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Echo", script =>
            {
                // A text that looks like a moment stays a text.
                script.Status = "{\"half\":\"2026-01-31T12:00:00+02:00\"}";
                return Task.FromResult(new { Answer = script.Input<int>() });
            })
            .Orchestrator<int>("Fail", _ => throw new InvalidOperationException("no luck")));
        var provider = Provider(hub);
        await hub.RunAsync("Echo", 42, "a");
        await hub.RunAsync("Fail", 43, "b");

        var first = await provider.GetOrchestrationStateWithPagination(new OrchestrationStatusQueryCondition { PageSize = 1 }, CancellationToken.None);
        var second = await provider.GetOrchestrationStateWithPagination(
            new OrchestrationStatusQueryCondition { PageSize = 1, ContinuationToken = first.ContinuationToken, ShowInput = false }, CancellationToken.None);

        var done = first.DurableOrchestrationState.ShouldHaveSingleItem();
        ((int)done.Input, (int)done.Output["Answer"]!, (string?)done.CustomStatus["half"], done.RuntimeStatus)
            .ShouldBe((42, 42, "2026-01-31T12:00:00+02:00", OrchestrationRuntimeStatus.Completed));
        var failed = second.DurableOrchestrationState.ShouldHaveSingleItem();
        ((string?)failed.Input, (string?)failed.Output, failed.RuntimeStatus)
            .ShouldBe((null, "System.InvalidOperationException: no luck", OrchestrationRuntimeStatus.Failed));
    }

    [Fact]
    public async Task The_extension_finds_by_status_name_and_time_and_purges_the_same_way()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions()
            .Orchestrator("Echo", script => Task.FromResult(script.Input<int>()))
            .Orchestrator<int>("Fail", _ => throw new InvalidOperationException("no luck")));
        var provider = Provider(hub);
        var first = (await hub.RunAsync("Echo", 1, "a-1")).CreatedTime;
        await hub.RunAsync("Fail", 2, "a-2");
        var last = (await hub.RunAsync("Echo", 3, "b-3")).CreatedTime;

        (await FindAsync(new() { PageSize = 10 })).ShouldBe(["a-1", "a-2", "b-3"]);
        (await FindAsync(new() { PageSize = 10, RuntimeStatus = [OrchestrationRuntimeStatus.Failed] })).ShouldBe(["a-2"]);
        (await FindAsync(new() { PageSize = 10, RuntimeStatus = [] })).ShouldBe(["a-1", "a-2", "b-3"]);
        (await FindAsync(new() { PageSize = 10, InstanceIdPrefix = "a-" })).ShouldBe(["a-1", "a-2"]);
        (await FindAsync(new() { PageSize = 10, CreatedTimeFrom = last })).ShouldBe(["b-3"]);
        (await FindAsync(new() { PageSize = 10, CreatedTimeTo = first })).ShouldBe(["a-1"]);
        (await provider.GetAllOrchestrationStates(CancellationToken.None)).Select(state => (state.OrchestrationInstance.InstanceId, state.Input)).ShouldBe([("a-1", "1"), ("a-2", "2"), ("b-3", "3")]);
        await Should.ThrowAsync<OperationCanceledException>(() => provider.GetAllOrchestrationStates(new CancellationToken(canceled: true)));
        var history = new List<DurableTask.Core.History.HistoryEvent>();
        await foreach (var happened in await provider.StreamOrchestrationHistoryAsync("a-1", CancellationToken.None))
        {
            history.Add(happened);
        }

        history.OfType<DurableTask.Core.History.ExecutionStartedEvent>().ShouldHaveSingleItem().Input.ShouldBe("1");
        (await provider.PurgeHistoryByFilters(DateTime.MinValue, null, [OrchestrationStatus.Failed])).ShouldBe(1);
        (await provider.PurgeInstanceHistoryByInstanceId("b-3")).InstancesDeleted.ShouldBe(1);
        (await provider.PurgeInstanceHistoryByInstanceId("b-3")).InstancesDeleted.ShouldBe(0);
        (await FindAsync(new() { PageSize = 10 })).ShouldBe(["a-1"]);

        async Task<IEnumerable<string>> FindAsync(OrchestrationStatusQueryCondition condition) =>
            (await provider.GetOrchestrationStateWithPagination(condition, CancellationToken.None)).DurableOrchestrationState.Select(state => state.InstanceId);
    }

    [Fact]
    public async Task The_extension_is_told_all_that_is_known_of_an_instance()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Echo", script => Task.FromResult(script.Input<int>())));
        var provider = Provider(hub);
        await new TaskHubClient(provider).CreateOrchestrationInstanceAsync("Echo", "2.0", "newer", 1);
        var state = await hub.RunAsync("Echo", 1, "older");
        var known = (await provider.GetOrchestrationStateWithPagination(new() { PageSize = 10 }, CancellationToken.None)).DurableOrchestrationState.ToDictionary(one => one.InstanceId);

        known["older"].ShouldSatisfyAllConditions(
            one => (one.Name, one.Version, one.ParentInstanceId).ShouldBe(("Echo", null, null)),
            one => (one.CreatedTime, one.LastUpdatedTime).ShouldBe((state.CreatedTime, state.LastUpdatedTime)),
            one => one.CustomStatus.Type.ShouldBe(Newtonsoft.Json.Linq.JTokenType.Null));
        known["newer"].Version.ShouldBe("2.0");
    }

    [Fact]
    public async Task The_extension_reads_the_state_of_an_entity()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Entity<int>("counter", (state, _, input) => (state ?? 0) + input));
        var provider = Provider(hub);
        await hub.SignalAsync(new("counter", "one"), "add", 7);
        await hub.IdleAsync();

        (await provider.RetrieveSerializedEntityState(new EntityId("counter", "one"), new Newtonsoft.Json.JsonSerializerSettings())).ShouldBe("7");
        (await provider.RetrieveSerializedEntityState(new EntityId("counter", "two"), new Newtonsoft.Json.JsonSerializerSettings())).ShouldBeNull();
    }

    [Fact]
    public async Task A_state_comes_with_or_without_its_input_and_nobody_is_no_state()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Echo", script => Task.FromResult(script.Input<int>())));
        var provider = Provider(hub);
        await hub.RunAsync("Echo", 42, "a");

        (await provider.GetOrchestrationStateWithInputsAsync("a")).ShouldHaveSingleItem().Input.ShouldBe("42");
        (await provider.GetOrchestrationStateWithInputsAsync("a", showInput: false)).ShouldHaveSingleItem()
            .ShouldSatisfyAllConditions(state => state.Input.ShouldBeNullOrEmpty(), state => state.Output.ShouldBe("42"));
        (await provider.GetOrchestrationStateWithInputsAsync("nobody")).ShouldBeEmpty();
        (await provider.GetAllOrchestrationStates(CancellationToken.None)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Starting_an_id_that_runs_replaces_it_if_the_statuses_say_so()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Wait", script => script.EventAsync<int>("Go")));
        var provider = Provider(hub);
        var client = new TaskHubClient(provider);
        var first = await client.CreateOrchestrationInstanceAsync("Wait", "", "again", null);

        var second = await client.CreateOrchestrationInstanceAsync("Wait", "", "again", null, null, []);
        await hub.RaiseAsync("again", "Go", 5);

        second.ExecutionId.ShouldNotBe(first.ExecutionId);
        (await hub.OutputAsync<int>("again")).ShouldBe(5);
    }

    private SqliteDurabilityProvider Provider(TestHub hub) => new(hub.Service, new SqliteDurabilityOptions { DatabasePath = DatabasePath });

    private ServiceProvider Services(Action<DurableTaskOptions>? configure = null)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(NullLoggerFactory.Instance);
        services.Configure<DurableTaskOptions>(options =>
        {
            options.HubName = "CosmoHub";
            configure?.Invoke(options);
        });
        return services.AddSqliteDurability(DatabasePath).BuildServiceProvider();
    }
}
