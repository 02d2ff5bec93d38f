using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.Tools.Audit;

public sealed class PersonalDataTests : IAsyncDisposable
{
    private const string Ana = """{"email":"ana@example.com"}""";
    private const string Logs = """
        {"data":{"items":[
          {"action":"Update","tableName":"Clients","changeSummary":"Phone changed","createdAt":"2026-01-31 09:45:10.123","id":7},
          {"action":"Update","tableName":null,"changeSummary":"Phone changed","createdAt":"2026-01-30 09:05:00"},
          {"action":"Delete","tableName":"Clients","changeSummary":"Client removed","createdAt":"2026-01-02 23:59:59.999"}
        ],"totalPages":4,"totalCount":12,"hasPreviousPage":false,"hasNextPage":true}}
        """;

    private HttpStub? _service;
    private ToolSetup? _setup;
    private string? _key;

    public async ValueTask DisposeAsync()
    {
        if (_setup is not null)
        {
            await _setup.DisposeAsync();
        }

        if (_service is not null)
        {
            await _service.DisposeAsync();
        }
    }

    [Fact]
    public async Task Audit_logs_come_with_insights_and_a_summary()
    {
        await StartAsync(Logs);

        var output = await _setup!.RunAsync("get_user_audit_logs", """{"email":" ana+x@example.com "}""", "auditor");

        _service!.Requests.ShouldBe(["/audit/ana%2Bx%40example.com"]);
        _key.ShouldBe("secret-key");
        JsonNode.DeepEquals(JsonNode.Parse(output), JsonNode.Parse("""
            {
              "summary": {"email":"ana+x@example.com","total_records":12,"date_range":{"from":"2026-01-02 23:59:59.999","to":"2026-01-31 09:45:10.123"}},
              "insights": {
                "total_activities": 3,
                "most_common_actions": {"Update":2,"Delete":1},
                "most_affected_tables": {"Clients":2},
                "common_change_types": {"Phone changed":2,"Client removed":1},
                "peak_activity_hours": {"09:00":2,"23:00":1},
                "recent_activity": true
              },
              "audit_logs": {
                "items": [
                  {"action":"Update","tableName":"Clients","changeSummary":"Phone changed","createdAt":"2026-01-31 09:45:10.123"},
                  {"action":"Update","tableName":null,"changeSummary":"Phone changed","createdAt":"2026-01-30 09:05:00"},
                  {"action":"Delete","tableName":"Clients","changeSummary":"Client removed","createdAt":"2026-01-02 23:59:59.999"}
                ],
                "pagination": {"totalPages":4,"totalCount":12,"hasPreviousPage":false,"hasNextPage":true}
              }
            }
            """)).ShouldBeTrue(output);
    }

    [Fact]
    public async Task Activity_is_recent_for_seven_days()
    {
        await StartAsync("""{"data":{"items":[{"action":"Update","createdAt":"2026-01-31 11:00:00"}]}}""");

        _setup!.Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromHours(1.5));
        (await _setup.RunAsync("get_user_audit_logs", Ana, "auditor")).ShouldContain("\"recent_activity\":true");
        _setup.Time.Advance(TimeSpan.FromHours(1));
        (await _setup.RunAsync("get_user_audit_logs", Ana, "auditor")).ShouldContain("\"recent_activity\":false");
    }

    [Fact]
    public async Task A_user_without_activity_has_no_dates()
    {
        await StartAsync("""{"data":{"items":[],"totalPages":0,"totalCount":0,"hasPreviousPage":false,"hasNextPage":false}}""");

        var output = JsonNode.Parse(await _setup!.RunAsync("get_user_audit_logs", Ana, "auditor"))!;

        output["summary"]!["date_range"]!.ToJsonString().ShouldBe("""{"from":null,"to":null}""");
        output["insights"]!["recent_activity"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"data":null}""")]
    [InlineData("""{"data":{}}""")]
    [InlineData("""{"data":{"items":null}}""")]
    [InlineData("""{"data":{"items":[null]}}""")]
    public async Task Audit_logs_that_cannot_be_read_are_said_so(string answer)
    {
        await StartAsync(answer);

        (await _setup!.RunAsync("get_user_audit_logs", Ana, "auditor")).ShouldContain("could not be read");
    }

    [Fact]
    public async Task One_odd_record_does_not_cost_the_others()
    {
        await StartAsync("""
            {"data":{"items":[
              null, 7, {"id":3}, {"action":{"name":"x"}},
              {"action":5,"tableName":true,"changeSummary":"\ud83d","createdAt":1767225600},
              {"action":"Update","tableName":"Clients","changeSummary":"Phone changed","createdAt":"2026-01-31 09:45:10.123","old":NaN}
            ],"totalPages":"4","totalCount":"12","hasNextPage":"true"}}
            """);

        var output = JsonNode.Parse(await _setup!.RunAsync("get_user_audit_logs", Ana, "auditor"))!;

        output["audit_logs"]!["items"]!.ToJsonString().ShouldBe(
            """[{"action":"5","tableName":"true","changeSummary":null,"createdAt":"1767225600"},{"action":"Update","tableName":"Clients","changeSummary":"Phone changed","createdAt":"2026-01-31 09:45:10.123"}]""");
        output["audit_logs"]!["pagination"]!.ToJsonString().ShouldBe("""{"totalPages":4,"totalCount":12,"hasPreviousPage":null,"hasNextPage":true}""");
        output["summary"]!["total_records"]!.GetValue<int>().ShouldBe(12);
        output["insights"]!["total_activities"]!.GetValue<int>().ShouldBe(2);
        output["note"]!.GetValue<string>().ShouldSatisfyAllConditions(note => note.ShouldContain("left out: 4."), note => note.ShouldContain("a time that can be read: 1"));
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_is_not_taken_for_an_idle_user()
    {
        await StartAsync("""{"data":{"items":null,"totalCount":12}}""");

        var output = JsonNode.Parse(await _setup!.RunAsync("get_user_audit_logs", Ana, "auditor"))!;

        output["summary"]!["total_records"]!.GetValue<int>().ShouldBe(12);
        output["insights"].ShouldBeNull();
        output["audit_logs"]!["items"].ShouldBeNull();
        output["note"]!.GetValue<string>().ShouldContain("nothing is known");
    }

    [Fact]
    public async Task Records_without_pagination_are_counted_and_that_is_said()
    {
        await StartAsync("""{"data":{"items":[null,{"action":"Update","createdAt":"yesterday"}]}}""");

        var output = JsonNode.Parse(await _setup!.RunAsync("get_user_audit_logs", Ana, "auditor"))!;

        output["summary"]!["total_records"]!.GetValue<int>().ShouldBe(2);
        output["insights"]!["recent_activity"].ShouldBeNull();
        output["note"]!.GetValue<string>().ShouldContain("total_records counts this page");
    }

    [Theory]
    [InlineData("null", "null")]
    [InlineData("""  "\ud83d"  """, "\"(not text)\"")]
    [InlineData("""{"role":"Manager","since":NaN}""", """{"role":"Manager","since":"(NaN)"}""")]
    public async Task An_odd_role_is_told_as_far_as_it_can_be(string role, string told)
    {
        await StartAsync($$"""{"data":{{role}}}""");

        var output = JsonNode.Parse(await _setup!.RunAsync("get_user_role", Ana, "auditor"))!.AsObject();

        (output["user_role"]?.ToJsonString() ?? "null").ShouldBe(told);
        output.ContainsKey("note").ShouldBe(role == "null");
    }

    [Theory]
    [InlineData("\"Manager\"")]
    [InlineData("""{"name":"Manager","level":2}""")]
    public async Task A_role_is_given_as_the_service_has_it(string role)
    {
        await StartAsync($$"""{"data":{{role}}}""");

        var output = await _setup!.RunAsync("get_user_role", Ana, "auditor");

        output.ShouldBe($$"""{"user_role":{{role}},"email":"ana@example.com"}""");
        _service!.Requests.ShouldBe(["/users/ana%40example.com/role"]);
        _key.ShouldBe("secret-key");
    }

    [Theory]
    [InlineData("get_user_role")]
    [InlineData("get_user_audit_logs")]
    public async Task A_user_that_is_not_known_is_said_so(string tool)
    {
        await StartAsync("{}", status: 404);

        (await _setup!.RunAsync(tool, Ana, "auditor")).ShouldContain("There is no user with this e-mail address");
    }

    [Theory]
    [InlineData("")]
    [InlineData("ana")]
    [InlineData("@example.com")]
    [InlineData("ana@")]
    [InlineData("ana@example.com, juan@example.com")]
    [InlineData("a b@example.com")]
    public async Task What_is_no_address_is_not_looked_up(string email)
    {
        await StartAsync(Logs);

        (await _setup!.RunAsync("get_user_role", new JsonObject { ["email"] = email }.ToJsonString(), "auditor")).ShouldContain("must be one e-mail address");
        _service!.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("../../admin@example.com", "/users/..%2F..%2Fadmin%40example.com/role")]
    [InlineData("a@x?y=1#z", "/users/a%40x%3Fy%3D1%23z/role")]
    public async Task An_address_cannot_lead_elsewhere(string email, string path)
    {
        await StartAsync("""{"data":"x"}""");

        await _setup!.RunAsync("get_user_role", new JsonObject { ["email"] = email }.ToJsonString(), "auditor");

        _service!.Requests.ShouldBe([path]);
    }

    [Theory]
    [InlineData("get_user_role")]
    [InlineData("get_user_audit_logs")]
    public async Task Only_a_caller_with_the_role_may_look_people_up(string tool)
    {
        await StartAsync(Logs);

        _setup!.Toolbox.AvailableTo(Caller.Anonymous).ShouldBeEmpty();
        (await _setup.RunAsync(tool, Ana)).ShouldContain("needs a permission");
        (await _setup.RunAsync(tool, Ana, "reader")).ShouldContain("needs a permission");
        _service!.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_role_is_a_setting()
    {
        await StartAsync("""{"data":"Manager"}""", role: "hr, boss");

        (await _setup!.RunAsync("get_user_role", Ana, "boss")).ShouldContain("Manager");
        (await _setup!.RunAsync("get_user_role", Ana, "auditor")).ShouldContain("needs a permission");
        (await _setup!.RunAsync("get_user_audit_logs", Ana, "boss")).ShouldContain("needs a permission");
    }

    [Fact]
    public async Task Neither_key_nor_address_is_in_the_log_or_in_an_error()
    {
        await StartAsync("{}", status: 500);

        var output = await _setup!.RunAsync("get_user_role", Ana, "auditor");

        (output + _setup.Logs.Text).ShouldNotContain("secret-key");
        _setup.Logs.Text.ShouldNotContain("ana");
    }

    [Fact]
    public async Task Without_a_key_or_an_address_the_tools_are_not_offered()
    {
        await using var noKey = new ToolSetup(new() { ["Cosmo:Tools:AuditApi:BaseUrl"] = "http://127.0.0.1:9", ["Cosmo:Tools:UserRoleApi:BaseUrl"] = "http://127.0.0.1:9" });
        await using var noAddress = new ToolSetup(new() { ["Cosmo:Tools:ApiKey"] = "secret-key" });

        noKey.Toolbox.All.ShouldBeEmpty();
        noAddress.Toolbox.All.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_address_that_is_none_is_refused_with_the_settings_name()
    {
        await using var setup = new ToolSetup(new() { ["Cosmo:Tools:AuditApi:BaseUrl"] = "audit", ["Cosmo:Tools:UserRoleApi:BaseUrl"] = "https://name:password@roles" });

        setup.ErrorsOf<ToolOptions>().ShouldSatisfyAllConditions(
            error => error.ShouldContain("Cosmo:Tools:AuditApi:BaseUrl (AUDIT_API_URL)"),
            error => error.ShouldContain("Cosmo:Tools:UserRoleApi:BaseUrl (USER_ROLE_API_URL)"));
    }

    private async Task StartAsync(string answer, int status = 200, string role = "auditor")
    {
        _service = await HttpStub.StartAsync(context =>
        {
            _key = context.Request.Headers["x-api-key"];
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(answer);
        });
        _setup = new ToolSetup(new()
        {
            ["Cosmo:Tools:ApiKey"] = "secret-key",
            ["Cosmo:Tools:AuditApi:BaseUrl"] = new Uri(_service.Url, "audit").ToString(),
            ["Cosmo:Tools:UserRoleApi:BaseUrl"] = new Uri(_service.Url, "users/").ToString(),
            ["Cosmo:Tools:Roles:get_user_role"] = role,
        });
    }
}
