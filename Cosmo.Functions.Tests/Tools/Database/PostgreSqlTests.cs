using System.Data.Common;
using System.Text.Json.Nodes;
using Npgsql;

namespace Cosmo.Functions.Tests.Tools.Database;

/// <summary>The database tools on a real client/server database, with the contract's view and procedure in its dialect.</summary>
public sealed class PostgreSqlTests(PostgreSqlServer server) : IClassFixture<PostgreSqlServer>, IAsyncLifetime
{
    private const string Pool = "cosmo-pool";
    private const string InMakati = """{"city":"Makati","capacity":10}""";
    private ToolSetup _setup = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        DbProviderFactories.RegisterFactory("Npgsql", NpgsqlFactory.Instance);
        await server.ExecuteAsync("""
            DROP SCHEMA public CASCADE;
            CREATE SCHEMA public;
            CREATE TABLE contracts (service text, client text, fee numeric(10,2));
            INSERT INTO contracts VALUES ('Offices', 'A', 1), ('Offices', 'B', 2), ('Payroll', 'A', 3.25);
            CREATE VIEW vw_ClientCountPerService AS SELECT service AS ServiceName, sum(1.0) AS ClientCount, max(fee) AS Fee, now() AS AsOf FROM contracts GROUP BY service;
            CREATE TABLE offices (name text, city text, capacity int);
            INSERT INTO offices VALUES ('Tower 1', 'Makati', 5), ('Tower 2', 'Makati', 40), ('Tower 3', 'Cebu', 40);
            CREATE FUNCTION sp_GetAvailableOffices(city text, capacity int) RETURNS SETOF offices LANGUAGE sql
                AS 'SELECT * FROM offices o WHERE o.city = $1 AND o.capacity >= $2';
            """);
        _setup = Setup("SELECT * FROM sp_GetAvailableOffices(@City, @Capacity)");
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
    }

    [Fact]
    public async Task Clients_are_summed_whatever_type_and_case_their_column_has()
    {
        var output = JsonNode.Parse(await _setup.RunAsync("get_active_clients_per_service", "{}"))!;

        output["total_active_clients"]!.GetValue<int>().ShouldBe(3);
        output["service_breakdown"]!.AsArray().Select(row => $"{row!["servicename"]} {row["clientcount"]} {row["fee"]}").ShouldBe(["Offices 2 2", "Payroll 1 3.25"]);
    }

    [Fact]
    public async Task Offices_come_from_the_procedure_with_the_parameters_as_values()
    {
        (await _setup.RunAsync("get_available_offices", InMakati)).ShouldBe(
            """{"total_available_spaces":1,"city":"Makati","required_capacity":10,"available_offices":[{"name":"Tower 2","city":"Makati","capacity":40}]}""");
        (await _setup.RunAsync("get_available_offices", """{"city":"'; DROP TABLE offices; --","capacity":1}""")).ShouldContain("\"total_available_spaces\":0");
        (await server.CountAsync("SELECT count(*) FROM offices")).ShouldBe(3);
    }

    [Fact]
    public async Task One_connection_serves_one_call_after_the_other()
    {
        for (var call = 0; call < 5; call++)
        {
            await _setup.RunAsync("get_available_offices", InMakati);
        }

        (await server.CountAsync($"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{Pool}'")).ShouldBe(1);
    }

    [Fact]
    public async Task A_command_that_takes_too_long_is_stopped_in_the_database_too()
    {
        await using var slow = Setup("SELECT pg_sleep(300), @City, @Capacity");
        const string Running = $"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{Pool}' AND state = 'active'";

        var asking = slow.RunAsync("get_available_offices", InMakati);
        await UntilAsync(Running, 1);
        slow.Time.Advance(TimeSpan.FromSeconds(15));

        (await asking).ShouldContain("did not answer in time");
        await UntilAsync(Running, 0);
    }

    [Fact]
    public async Task A_database_that_is_away_is_said_so_and_found_again_when_it_is_back()
    {
        (await _setup.RunAsync("get_available_offices", InMakati)).ShouldContain("Tower 2");

        await server.KillAsync();
        (await _setup.RunAsync("get_available_offices", InMakati)).ShouldContain("The database has a problem right now");
        await server.StartAsync();

        (await _setup.RunAsync("get_available_offices", InMakati)).ShouldContain("Tower 2");
    }

    private ToolSetup Setup(string officesCommand) => new(new()
    {
        ["Cosmo:Tools:Database:ConnectionString"] = $"{server.ConnectionString};Application Name={Pool}",
        ["Cosmo:Tools:Database:Provider"] = "Npgsql",
        ["Cosmo:Tools:Database:OfficesCommand"] = officesCommand,
    });

    private async Task UntilAsync(string count, long expected)
    {
        while (await server.CountAsync(count) != expected)
        {
            await Task.Delay(20, Cancellation);
        }
    }
}
