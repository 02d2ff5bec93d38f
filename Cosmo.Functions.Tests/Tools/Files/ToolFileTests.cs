using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools.Files;

/// <summary>What is wrong with a file is said at the start, with the line.</summary>
public sealed class ToolFileTests
{
    private const string Good = """
        {
          "name": "get_rate",
          "description": "A rate.",
          "parameters": { "type": "object", "properties": { "from": { "type": "string" }, "to": { "type": ["string", "null"] }, "list": { "type": "array" } },
            "required": ["from", "to"] },
          "http": {
            "url": "https://rates.example.com/{from}"
          }
        }
        """;

    [Fact]
    public async Task The_sample_of_the_page_is_a_tool_in_strict_mode()
    {
        await using var setup = ToolSetup.Of(
            "get_exchange_rate",
            """
            {
              "name": "get_exchange_rate",
              "description": "The current exchange rate between two currencies.",
              "parameters": { "type": "object", "properties": { "from": { "type": "string", "pattern": "^[A-Z]{3}$" }, "to": { "type": "string", "pattern": "^[A-Z]{3}$" } }, "required": ["from", "to"], "additionalProperties": false },
              "http": {
                "method": "GET",
                "url": "https://rates.example.com/v1/{from}/{to}",
                "query": { "precision": "4" },
                "headers": { "x-api-key": "%RATES_API_KEY%" },
                "body": null,
                "result": "/data/rate"
              },
              "roles": ["analyst"],
              "approval": false,
              "timeout_seconds": 10
            }
            """,
            ("RATES_API_KEY", "key"));

        var tool = setup.Toolbox.All.ShouldHaveSingleItem();
        (tool.Name, tool.IsStrict, tool.IsReadOnly, tool.RequiresApproval, tool.TimeLimit).ShouldBe(("get_exchange_rate", true, true, false, TimeSpan.FromSeconds(10)));
        tool.Roles.ShouldBe(["analyst"]);
    }

    [Theory]
    [InlineData("\"name\": \"get_rate\"", "\"name\": \"other\"", ":2: name must be \"get_rate\" as the file is")]
    [InlineData("\"description\": \"A rate.\",", "", ": description must be a text.")]
    [InlineData("\"A rate.\"", "5", ":3: description must be a text.")]
    [InlineData("\"required\"", "\"requierd\"", ":5: parameters.requierd is not checked by Cosmo")]
    [InlineData("\"from\": { \"type\": \"string\" }", "\"from\": { \"type\": \"string\", \"pattern\": \"(\" }", ":4: parameters.properties.from.pattern must be a regular expression.")]
    [InlineData("\"type\": \"object\"", "\"type\": \"string\"", "parameters.type must be \"object\"")]
    [InlineData("https://rates.example.com/{from}", "https://{from}/", ":7: http.url must be an http or https address")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com{from}", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com:{from}/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "{from}://rates.example.com/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://{from}@rates.example.com/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://user:pw@rates.example.com/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com\\\\{from}/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "ftp://rates.example.com/", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "/v1/{from}", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com/#{from}", ":7: http.url must be")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com/{other}", ":7: http.url names other, which is no argument")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com/{to}", ":7: http.url names to, which must be a string")]
    [InlineData("https://rates.example.com/{from}", "https://rates.example.com/{list}", ":7: http.url names list, which must be a string")]
    [InlineData("https://rates.example.com/{from}", "%NO_SUCH_SETTING%/{from}", ":7: http.url names the setting NO_SUCH_SETTING, which is not there.")]
    [InlineData("\"http\": {", "\"http\": { \"headers\": { \"x-key\": \"%NO_SUCH_SETTING%\" },", ":6: http.headers.x-key names the setting NO_SUCH_SETTING")]
    [InlineData("\"http\": {", "\"http\": { \"headers\": { \"x-from\": \"{from}\" },", ":6: http.headers.x-from must hold no argument.")]
    [InlineData("\"http\": {", "\"http\": { \"headers\": { \"host\": \"other\" },", ":6: http.headers.host is not a header that a file may set.")]
    [InlineData("\"http\": {", "\"http\": { \"headers\": { \"x-secret\": \"%TWO_LINES%\" },", ":6: http.headers.x-secret must be plain text on one line.")]
    [InlineData("\"http\": {", "\"http\": { \"method\": \"FETCH\",", ":6: http.method must be one of GET, POST, PUT, PATCH, DELETE.")]
    [InlineData("\"http\": {", "\"http\": { \"body\": {},", ":6: http.body must be left out of a GET.")]
    [InlineData("\"http\": {", "\"http\": { \"method\": \"POST\", \"body\": { \"a\": [\"{other}\"] },", ":6: http.body.a[0] names other")]
    [InlineData("\"http\": {", "\"http\": { \"result\": \"data.rate\",", ":6: http.result must be a JSON pointer")]
    [InlineData("\"http\": {", "\"http\": { \"uri\": \"\",", ":6: http.uri is not known")]
    [InlineData("\"http\": {", "\"timeout_seconds\": 0, \"http\": {", ":6: timeout_seconds must lie between 0.1 and 300.")]
    [InlineData("\"http\": {", "\"roles\": \"anyone\", \"http\": {", ":6: roles must be a list of names.")]
    [InlineData("\"http\": {", "\"approval\": \"yes\", \"http\": {", ":6: approval must be true or false.")]
    [InlineData("\"http\": {", "\"mcp\": { \"url\": \"https://x.example\", \"tools\": [\"a\"] }, \"http\": {", "must have either http or mcp.")]
    [InlineData("\"http\": {", "\"name\": \"get_rate\", \"http\": {", "is not valid JSON, or has a name twice.")]
    [InlineData("\"http\": {", "http: {", ":6: is not valid JSON")]
    public async Task Every_fault_is_told_with_its_line(string text, string replacement, string fault)
    {
        await using var setup = ToolSetup.Of("get_rate", Good.Replace(text, replacement), ("TWO_LINES", "hidden\nhidden"));

        var errors = setup.ErrorsOf<ToolOptions>();

        errors.ShouldContain("get_rate.json" + (fault[0] == ':' ? fault : ""));
        errors.ShouldContain(fault);
        errors.ShouldNotContain("hidden");
    }

    [Fact]
    public async Task All_faults_are_told_at_once()
    {
        await using var setup = ToolSetup.Of("get_rate", """{ "name": "x", "roles": 5, "parameters": [], "http": { "url": "%NOT_THERE%", "method": "X" } }""");

        setup.ErrorsOf<ToolOptions>().ShouldSatisfyAllConditions(
            errors => errors.ShouldContain("name must be"),
            errors => errors.ShouldContain("roles must be"),
            errors => errors.ShouldContain("description must be"),
            errors => errors.ShouldContain("parameters must be"),
            errors => errors.ShouldContain("NOT_THERE"),
            errors => errors.ShouldContain("http.method must be"));
    }

    [Fact]
    public async Task A_name_that_another_tool_has_stops_the_start()
    {
        await using var setup = ToolSetup.Of("get_weather", Good.Replace("get_rate", "get_weather"));

        Should.Throw<OptionsValidationException>(() => setup.Toolbox).Message.ShouldBe("2 tools have the name get_weather; each needs a name of its own.");
    }

    [Fact]
    public async Task A_folder_that_is_not_there_stops_the_start()
    {
        await using var setup = new ToolSetup(new() { ["Cosmo:Tools:Path"] = "/no/such/folder" });

        setup.ErrorsOf<ToolOptions>().ShouldContain("Cosmo:Tools:Path (TOOLS_PATH) names /no/such/folder, which is no folder.");
    }

    [Fact]
    public async Task A_setting_may_override_the_roles_of_a_file()
    {
        await using var setup = ToolSetup.Of("get_rate", Good, ("Cosmo:Tools:Roles:get_rate", "boss"));

        setup.Toolbox.AvailableTo(new Caller("u", [])).ShouldBeEmpty();
        setup.Toolbox.AvailableTo(new Caller("u", ["boss"])).ShouldHaveSingleItem();
    }
}
