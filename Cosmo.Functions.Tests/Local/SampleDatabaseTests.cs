using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.Tools;
using Cosmo.Local.Emulators.Backends;
using Cosmo.Local.SampleData;

namespace Cosmo.Functions.Tests.Local;

public sealed class SampleDatabaseTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-sample-").FullName;
    private readonly SampleDatabase _sample;
    private readonly ToolSetup _setup;

    public SampleDatabaseTests()
    {
        SampleDatabase.RegisterProvider();
        _sample = new SampleDatabase(_folder);
        _sample.Create();
        _setup = new ToolSetup(new()
        {
            ["Cosmo:Tools:Database:ConnectionString"] = _sample.ConnectionString,
            ["Cosmo:Tools:Database:Provider"] = SampleDatabase.Provider,
            ["Cosmo:Tools:Database:OfficesCommand"] = SampleDatabase.OfficesCommand,
            ["Cosmo:Tools:Database:CommandTimeoutSeconds"] = "5",
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_portfolio_has_several_services_with_clients()
    {
        var output = await ClientsAsync();

        var rows = output["service_breakdown"]!.AsArray();
        rows.Count.ShouldBeInRange(8, 12);
        var counts = rows.Select(row => row!["ClientCount"]!.GetValue<int>()).ToList();
        counts.ShouldBeInOrder(SortDirection.Descending);
        counts.ShouldAllBe(count => count > 0);
        output["total_active_clients"]!.GetValue<int>().ShouldBe(counts.Sum());
    }

    [Theory]
    [InlineData("Makati", 10)]
    [InlineData("makati city", 10)]
    [InlineData("BGC", 5)]
    [InlineData("Cebu", 20)]
    [InlineData("Davao City", 1)]
    public async Task Offices_are_found_in_several_cities(string city, int capacity)
    {
        var output = JsonNode.Parse(await _setup.RunAsync("get_available_offices", $$"""{"city":"{{city}}","capacity":{{capacity}}}"""))!;

        var offices = output["available_offices"]!.AsArray();
        offices.ShouldNotBeEmpty();
        offices.ShouldAllBe(office => office!["Capacity"]!.GetValue<int>() >= capacity);
    }

    [Fact]
    public async Task Making_it_again_changes_nothing_and_mends_what_was_broken()
    {
        var before = (await ClientsAsync()).ToJsonString();
        _sample.Create();
        (await ClientsAsync()).ToJsonString().ShouldBe(before);

        _sample.Break();
        (await ClientsAsync())["error"]!.GetValue<string>().ShouldContain("has a problem");

        _sample.Create();
        (await ClientsAsync()).ToJsonString().ShouldBe(before);
    }

    [Fact]
    public async Task The_emulator_breaks_locks_and_mends_it()
    {
        await using var emulator = await BackendsEmulator.StartAsync(new BackendsEmulatorOptions { Database = _sample }, TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = emulator.Url };

        await PutAsync(http, """{"lockedFor": 60000}""");
        var waiting = ClientsAsync();
        await PutAsync(http, "{}");
        (await waiting).ToJsonString().ShouldContain("total_active_clients");

        await PutAsync(http, """{"broken": true}""");
        (await ClientsAsync()).ToJsonString().ShouldContain("has a problem");
        using var mended = await http.DeleteAsync("/emulator/database", TestContext.Current.CancellationToken);
        (await ClientsAsync()).ToJsonString().ShouldContain("total_active_clients");
    }

    private static async Task PutAsync(HttpClient http, string fault)
    {
        using var content = new StringContent(fault, Encoding.UTF8, "application/json");
        using var answer = await http.PutAsync("/emulator/database", content, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    private async Task<JsonNode> ClientsAsync() => JsonNode.Parse(await _setup.RunAsync("get_active_clients_per_service", "{}"))!;
}
