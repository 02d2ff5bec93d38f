using System.Data.Common;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tools;
using Cosmo.Functions.Tools.Database;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace Cosmo.Functions.Tests.Tools.Database;

public sealed class DatabaseToolsTests : IAsyncDisposable
{
    private readonly string _connectionString = $"Data Source=tools-{Guid.NewGuid():n};Mode=Memory;Cache=Shared";
    private readonly SqliteConnection _keepsItAlive;
    private readonly ToolSetup _setup;

    public DatabaseToolsTests()
    {
        DbProviderFactories.RegisterFactory("Microsoft.Data.Sqlite", SqliteFactory.Instance);
        _keepsItAlive = new SqliteConnection(_connectionString);
        _keepsItAlive.Open();
        _setup = Setup(_connectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _setup.DisposeAsync();
        await _keepsItAlive.DisposeAsync();
    }

    [Theory]
    [InlineData("Server=tcp:kmc.database.windows.net;Database=kmc;Encrypt=true", true)]
    [InlineData("Server=kmc;Database=kmc;User ID=cosmo;Password=s3cret", false)]
    [InlineData("Server=kmc;Database=kmc;Integrated Security=true", false)]
    [InlineData("Server=kmc;Database=kmc;Authentication=Active Directory Default", false)]
    public void The_apps_identity_signs_in_where_the_connection_string_names_nobody(string connectionString, bool signsIn)
    {
        using var connection = new SqlConnection(connectionString);

        SqlIdentity.SignIn(connection);

        (connection.AccessTokenCallback is not null).ShouldBe(signsIn);
    }

    [Fact]
    public async Task Clients_are_summed_over_the_services()
    {
        Execute("""
            CREATE TABLE counts (ServiceName TEXT, ClientCount INTEGER);
            INSERT INTO counts VALUES ('Payroll', 12), ('Offices', 30), (NULL, 1);
            CREATE VIEW vw_ClientCountPerService AS SELECT * FROM counts;
            """);

        var output = await _setup.RunAsync("get_active_clients_per_service", "{}");

        output.ShouldBe("""
            {"total_active_clients":43,"service_breakdown":[{"ServiceName":"Offices","ClientCount":30},{"ServiceName":"Payroll","ClientCount":12},{"ServiceName":null,"ClientCount":1}]}
            """.Trim());
    }

    [Fact]
    public async Task Offices_are_found_by_city_and_capacity()
    {
        CreateOffices();

        var output = await _setup.RunAsync("get_available_offices", """{"city":" Makati ","capacity":10}""");

        JsonNode.DeepEquals(JsonNode.Parse(output), JsonNode.Parse("""
            {"total_available_spaces":1,"city":"Makati","required_capacity":10,"available_offices":[{"Name":"Tower 2","City":"Makati","Capacity":40}]}
            """)).ShouldBeTrue(output);
    }

    [Fact]
    public async Task What_the_model_writes_is_a_value_and_never_a_command()
    {
        CreateOffices();

        var output = await _setup.RunAsync("get_available_offices", """{"city":"x' OR 1=1; DROP TABLE offices; --","capacity":1}""");

        JsonNode.Parse(output)!["total_available_spaces"]!.GetValue<int>().ShouldBe(0);
        (await _setup.RunAsync("get_available_offices", """{"city":"Makati","capacity":1}""")).ShouldContain("Tower 2");
    }

    [Theory]
    [InlineData("""{"city":"Makati","capacity":0}""")]
    [InlineData("""{"city":"Makati","capacity":-5}""")]
    [InlineData("""{"city":"","capacity":5}""")]
    [InlineData("""{"city":"Makati"}""")]
    public async Task Arguments_that_make_no_sense_are_refused(string arguments) =>
        (await _setup.RunAsync("get_available_offices", arguments)).ShouldContain("The argument");

    [Fact]
    public async Task A_failure_of_the_database_tells_the_model_nothing_of_it()
    {
        var output = await _setup.RunAsync("get_active_clients_per_service", "{}");

        output.ShouldBe("""{"error":"The database has a problem right now. Tell the user to try again later."}""");
        _setup.Logs.Text.ShouldContain("vw_ClientCountPerService");
    }

    [Fact]
    public async Task A_result_with_too_many_rows_admits_that_it_is_not_all()
    {
        Execute("""
            CREATE VIEW vw_ClientCountPerService AS
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51) SELECT 'Service ' || i AS ServiceName, 1 AS ClientCount FROM n
            """);

        var output = JsonNode.Parse(await _setup.RunAsync("get_active_clients_per_service", "{}"))!;

        output["service_breakdown"]!.AsArray().Count.ShouldBe(50);
        output["total_active_clients"]!.GetValue<int>().ShouldBe(50);
        output["note"]!.GetValue<string>().ShouldContain("Only the first 50 rows");
    }

    [Fact]
    public async Task A_view_without_the_numbers_is_not_taken_for_no_clients()
    {
        Execute("CREATE VIEW vw_ClientCountPerService AS SELECT 'Payroll' AS ServiceName");
        await using var setup = Setup(_connectionString, "SELECT * FROM vw_ClientCountPerService");

        (await setup.RunAsync("get_active_clients_per_service", "{}")).ShouldContain("has no numbers of clients");
    }

    [Fact]
    public async Task Rows_of_odd_columns_and_values_are_told_and_what_does_not_count_is_said()
    {
        await using var setup = Setup(_connectionString, """
            SELECT 'Payroll' AS Service, 12.0 AS ClientCount, 1 AS clientcount, 2 AS Fee, 3 AS Fee, x'00' AS Raw
            UNION ALL SELECT 'Offices', '30', 1, 9e999, -9e999, NULL
            UNION ALL SELECT 'Text', 'many', 1, 0, 0, 0
            UNION ALL SELECT 'None', NULL, 1, 0, 0, 0
            """);

        var output = JsonNode.Parse(await setup.RunAsync("get_active_clients_per_service", "{}"))!;

        output["total_active_clients"]!.GetValue<int>().ShouldBe(42);
        output["note"]!.GetValue<string>().ShouldContain("leaves out: 2.");
        output["service_breakdown"]![0]!.ToJsonString().ShouldBe("""{"Service":"Payroll","ClientCount":12,"clientcount_2":1,"Fee":2,"Fee_2":3,"Raw":"(binary)"}""");
        output["service_breakdown"]![1]!["Fee"]!.GetValue<string>().ShouldBe("Infinity");
        output["service_breakdown"]![1]!["Fee_2"]!.GetValue<string>().ShouldBe("-Infinity");
    }

    [Fact]
    public async Task Numbers_of_which_none_can_be_read_are_no_zero()
    {
        await using var setup = Setup(_connectionString, "SELECT 'Payroll' AS Service, 'many' AS ClientCount");

        var output = JsonNode.Parse(await setup.RunAsync("get_active_clients_per_service", "{}"))!;

        output["total_active_clients"].ShouldBeNull();
        output["note"]!.GetValue<string>().ShouldContain("could not be read");
    }

    [Fact]
    public async Task Of_several_results_that_with_the_numbers_is_summed_and_the_others_are_told()
    {
        await using var setup = Setup(_connectionString, "SELECT 'as of today' AS Remark; SELECT 1 AS ClientCount WHERE 0; SELECT 'Payroll' AS Service, 12 AS ClientCount; SELECT 5 AS ClientCount");

        var output = JsonNode.Parse(await setup.RunAsync("get_active_clients_per_service", "{}"))!;

        output["total_active_clients"]!.GetValue<int>().ShouldBe(12);
        output["service_breakdown"]!.ToJsonString().ShouldBe("""[{"Service":"Payroll","ClientCount":12}]""");
        output["more_results"]!.ToJsonString().ShouldBe("""[[{"Remark":"as of today"}],[{"ClientCount":5}]]""");
    }

    [Fact]
    public void A_value_of_any_type_is_JSON()
    {
        (object Value, string Json)[] values =
        [
            (DBNull.Value, "null"),
            ((sbyte)-1, "-1"),
            ((byte)1, "1"),
            ((short)1, "1"),
            ((ushort)1, "1"),
            (1u, "1"),
            (ulong.MaxValue, "18446744073709551615"),
            (0.1f, "0.1"),
            (float.NaN, "\"NaN\""),
            (3.0, "3"),
            (double.NegativeInfinity, "\"-Infinity\""),
            (12.00m, "12"),
            (decimal.MaxValue, "79228162514264337593543950335"),
            ('x', "\"x\""),
            ("half \ud83d", "\"half \\uFFFD\""),
            (new DateTime(2026, 1, 31, 9, 45, 10, DateTimeKind.Utc), "\"2026-01-31T09:45:10\""),
            (new DateOnly(2026, 1, 31), "\"2026-01-31\""),
            (new TimeSpan(1, 2, 3), "\"01:02:03\""),
            (Guid.Empty, "\"00000000-0000-0000-0000-000000000000\""),
            (new byte[] { 1 }, "\"(binary)\""),
            (new[] { 1, 2 }, "[1,2]"),
        ];

        foreach (var (value, json) in values)
        {
            (DatabaseValue.ToNode(value)?.ToJsonString(ToolJson.Options) ?? "null").ShouldBe(json);
        }
    }

    [Theory]
    [InlineData("\"1,234\"", 1234)]
    [InlineData("\" 12.0 \"", 12)]
    [InlineData("1e3", 1000)]
    [InlineData("3.0", 3)]
    [InlineData("\"NaN\"", null)]
    [InlineData("true", null)]
    [InlineData("[1]", null)]
    [InlineData("null", null)]
    public void A_number_is_read_in_whatever_form(string json, int? number) => DatabaseValue.ToNumber(JsonNode.Parse(json)).ShouldBe(number);

    [Fact]
    public async Task Without_a_connection_string_the_tools_are_not_offered()
    {
        await using var setup = Setup(null);

        setup.Toolbox.All.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_provider_that_is_not_registered_is_refused_with_the_settings_name()
    {
        await using var setup = new ToolSetup(new() { ["Cosmo:Tools:Database:ConnectionString"] = "x", ["Cosmo:Tools:Database:Provider"] = "Oracle" });

        setup.ErrorsOf<DatabaseOptions>().ShouldContain("Cosmo:Tools:Database:Provider");
    }

    [Fact]
    public async Task A_connection_string_that_is_none_is_refused_with_the_settings_name_and_not_repeated()
    {
        await using var setup = Setup("password secret");

        setup.ErrorsOf<DatabaseOptions>().ShouldSatisfyAllConditions(
            error => error.ShouldContain("Cosmo:Tools:Database:ConnectionString (MSSQL_CONNECTION_STRING)"),
            error => error.ShouldNotContain("secret"));
    }

    private static ToolSetup Setup(string? connectionString, string clientsCommand = "SELECT * FROM vw_ClientCountPerService ORDER BY ClientCount DESC") => new(new()
    {
        ["Cosmo:Tools:Database:ConnectionString"] = connectionString,
        ["Cosmo:Tools:Database:Provider"] = "Microsoft.Data.Sqlite",
        ["Cosmo:Tools:Database:ClientsCommand"] = clientsCommand,
        ["Cosmo:Tools:Database:OfficesCommand"] = "SELECT * FROM offices WHERE City = @City AND Capacity >= @Capacity",
    });

    private void CreateOffices() => Execute("""
        CREATE TABLE offices (Name TEXT, City TEXT, Capacity INTEGER);
        INSERT INTO offices VALUES ('Tower 1', 'Makati', 5), ('Tower 2', 'Makati', 40), ('Tower 3', 'Cebu', 40);
        """);

    private void Execute(string sql)
    {
        using var command = _keepsItAlive.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
