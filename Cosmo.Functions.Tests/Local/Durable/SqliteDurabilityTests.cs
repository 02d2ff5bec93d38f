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
        ((string?)provider.ConfigurationJson["synchronous"]).ShouldBe("FULL");
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
                script.Status = "{\"half\":\"done\"}";
                return Task.FromResult(new { Answer = script.Input<int>() });
            })
            .Orchestrator<int>("Fail", _ => throw new InvalidOperationException("no luck")));
        var provider = new SqliteDurabilityProvider(hub.Service, new SqliteDurabilityOptions { DatabasePath = DatabasePath });
        await hub.RunAsync("Echo", 42, "a");
        await hub.RunAsync("Fail", 43, "b");

        var first = await provider.GetOrchestrationStateWithPagination(new OrchestrationStatusQueryCondition { PageSize = 1 }, CancellationToken.None);
        var second = await provider.GetOrchestrationStateWithPagination(
            new OrchestrationStatusQueryCondition { PageSize = 1, ContinuationToken = first.ContinuationToken, ShowInput = false }, CancellationToken.None);

        var done = first.DurableOrchestrationState.ShouldHaveSingleItem();
        ((int)done.Input, (int)done.Output["Answer"]!, (string?)done.CustomStatus["half"], done.RuntimeStatus)
            .ShouldBe((42, 42, "done", OrchestrationRuntimeStatus.Completed));
        var failed = second.DurableOrchestrationState.ShouldHaveSingleItem();
        ((string?)failed.Input, (string?)failed.Output, failed.RuntimeStatus)
            .ShouldBe((null, "System.InvalidOperationException: no luck", OrchestrationRuntimeStatus.Failed));
    }

    [Fact]
    public async Task A_state_comes_with_or_without_its_input_and_nobody_is_no_state()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Echo", script => Task.FromResult(script.Input<int>())));
        var provider = new SqliteDurabilityProvider(hub.Service, new SqliteDurabilityOptions { DatabasePath = DatabasePath });
        await hub.RunAsync("Echo", 42, "a");

        (await provider.GetOrchestrationStateWithInputsAsync("a")).ShouldHaveSingleItem().Input.ShouldBe("42");
        (await provider.GetOrchestrationStateWithInputsAsync("a", showInput: false)).ShouldHaveSingleItem().Input.ShouldBeNullOrEmpty();
        (await provider.GetOrchestrationStateWithInputsAsync("nobody")).ShouldBeEmpty();
        (await provider.GetAllOrchestrationStates(CancellationToken.None)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Starting_an_id_that_runs_replaces_it_if_the_statuses_say_so()
    {
        await using var hub = await TestHub.StartAsync(new TestFunctions().Orchestrator("Wait", script => script.EventAsync<int>("Go")));
        var provider = new SqliteDurabilityProvider(hub.Service, new SqliteDurabilityOptions { DatabasePath = DatabasePath });
        var client = new TaskHubClient(provider);
        var first = await client.CreateOrchestrationInstanceAsync("Wait", "", "again", null);

        var second = await client.CreateOrchestrationInstanceAsync("Wait", "", "again", null, null, []);
        await hub.RaiseAsync("again", "Go", 5);

        second.ExecutionId.ShouldNotBe(first.ExecutionId);
        (await hub.OutputAsync<int>("again")).ShouldBe(5);
    }

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
