using Cosmo.Local.Host;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Http;
using Microsoft.Extensions.Configuration;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class FunctionChecksTests
{
    private const string Activity = """{"name": "input", "direction": "In", "type": "activityTrigger", "properties": {}}""";

    private static readonly FunctionRetry Retry = new(3, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10));

    private readonly Dictionary<string, string?> _settings = new()
    {
        ["QUEUE"] = "q",
        ["BROKER"] = "amqp://localhost",
        ["WHEN"] = "0 */5 * * * *",
        ["HTTP_URL"] = "http://localhost",
        ["BAD_WHEN"] = "every day",
    };

    [Fact]
    public void Functions_are_listed_by_trigger()
    {
        var index = Read(
            Metadata.Named("Act", Activity),
            Metadata.Timer("Tick", "%WHEN%") with { Retry = Retry },
            Metadata.Http("Any"),
            Metadata.Queue("Receive"),
            Metadata.Http("Page", "pages/{id:int}", "Function", "get", "post"),
            Metadata.Named(
                "Orchestrate",
                """{"name": "context", "direction": "In", "type": "orchestrationTrigger", "properties": {}}""",
                """{"name": "client", "direction": "In", "type": "durableClient", "properties": {}}"""));

        index.Lines("api").ShouldBe(
        [
            "Any: [ANY] /api/Any",
            "Page: [GET,POST] /api/pages/{id:int}",
            "Receive: rabbitMQTrigger q",
            "Tick: timerTrigger 0 */5 * * * *",
            "Act: activityTrigger",
            "Orchestrate: orchestrationTrigger",
        ]);
        index.Functions.Select(function => function.Name).ShouldBe(["Act", "Tick", "Any", "Receive", "Page", "Orchestrate"]);
        index.Http.Single(function => function.Function.Name == "Page").Level.ShouldBe(AccessLevel.Function);
    }

    [Fact]
    public void Properties_are_found_whatever_the_case_of_their_names()
    {
        var function = Metadata.Named("A", """{"name": "r", "type": "HttpTrigger", "AuthLevel": "anonymous", "Methods": ["Get"], "Route": "a"}""");

        Read(function).Http.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            http => http.Level.ShouldBe(AccessLevel.Anonymous),
            http => http.Methods.ShouldBe(["GET"]),
            http => http.Route.ShouldBe("a"));
    }

    [Theory]
    [InlineData("AzureWebJobs.A.Disabled", "true", false)]
    [InlineData("AzureWebJobs.A.Disabled", "True", false)]
    [InlineData("AzureWebJobs.A.Disabled", "1", false)]
    [InlineData("AzureWebJobs:A:Disabled", "1", false)]
    [InlineData("AzureWebJobs.A.Disabled", "false", true)]
    [InlineData("AzureWebJobs.A.Disabled", "0", true)]
    [InlineData("AzureWebJobs.B.Disabled", "true", true)]
    public void A_disabled_function_is_left_out(string setting, string value, bool isThere)
    {
        _settings[setting] = value;

        Read(Metadata.Http("A")).Functions.Any().ShouldBe(isThere);
    }

    [Fact]
    public void What_is_wrong_with_a_disabled_function_does_not_matter()
    {
        _settings["AzureWebJobs.A.Disabled"] = "true";

        Read(Metadata.Timer("A", "%MISSING%")).Functions.ShouldBeEmpty();
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "duplicate", "Function 'two' is there twice" },
        { "no trigger", "Function 'A' has no trigger" },
        { "two triggers", "Function 'A' has 2 triggers" },
        { "bad name", "'1st' is not valid" },
        { "reserved name", "'host' is not valid" },
        { "unknown trigger", "Function 'A' has a binding of the type 'blobTrigger', which this host does not know; it knows activityTrigger, durableClient, " },
        { "unknown binding", "Function 'A' has a binding of the type 'queue', which this host does not know" },
        { "body parameter", "parameter called 'body', which is a name of binding data" },
        { "routing key parameter", "parameter called 'ROUTINGKEY', which is a name of binding data" },
        { "missing queue", "NO_QUEUE is missing, and function 'A' needs it" },
        { "missing broker", "NO_BROKER is missing, and function 'A' needs it" },
        { "bad broker", "HTTP_URL is no RabbitMQ URI" },
        { "no broker", "has no ConnectionStringSetting" },
        { "no queue", "names no queue" },
        { "retry on http", "has a retry attribute, which its trigger does not allow" },
        { "retry on a queue", "has a retry attribute, which its trigger does not allow" },
        { "bad route", "the route 'a/{b', which is not valid" },
        { "unknown constraint", "the route 'a/{b:colour}' with a constraint that does not exist" },
        { "reserved route", "belongs to the host" },
        { "route like a reserved one", "belongs to the host" },
        { "bad level", "has the authorization level 'Everybody'; set it to Anonymous, Function, System, Admin." },
        { "missing schedule", "NO_WHEN is missing, and function 'A' needs it" },
        { "bad schedule", "has the schedule 'every day' (%BAD_WHEN%)" },
        { "schedule that never comes", "has the schedule '0 0 0 31 2 *'" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_stops_the_start_with_a_sentence(string fault, string sentence) =>
        Should.Throw<StartupException>(() => Read(Faulty(fault))).Message.ShouldContain(sentence);

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a/{b}", "a/c")]
    [InlineData("a/{b}", "A/{c:int}")]
    [InlineData("a/{b:int}", "a/7")]
    [InlineData("a/{b?}", "a")]
    [InlineData("a/{*rest}", "a/b/c")]
    [InlineData("a/{*rest}", "a")]
    [InlineData("{x}/b", "a/{y}")]
    [InlineData("a-{b}", "a-c")]
    public void Two_functions_that_one_request_can_mean_are_refused(string one, string other) =>
        Should.Throw<StartupException>(() => Read(Metadata.Http("A", one, methods: ["get", "post"]), Metadata.Http("B", other, methods: ["post"])))
            .Message.ShouldBe($"Functions 'A' and 'B' share a method, and one request can mean both '{one}' and '{other}'; change one.");

    [Theory]
    [InlineData("a/b", "a/c")]
    [InlineData("a", "a/b")]
    [InlineData("a/{b}", "a/b/c")]
    [InlineData("a/{b:int}", "a/seven")]
    [InlineData("a/{b:regex(^(?!stats$).*$)}", "a/stats")]
    [InlineData("a-{b}", "c-{b}")]
    [InlineData("a-{b}", "c")]
    public void Functions_that_no_request_can_mean_both_of_stand_side_by_side(string one, string other) =>
        Read(Metadata.Http("A", one, methods: "get"), Metadata.Http("B", other, methods: "get")).Http.Count.ShouldBe(2);

    [Fact]
    public void Functions_of_different_methods_share_a_route() =>
        Read(Metadata.Http("A", "a", methods: "get"), Metadata.Http("B", "{a}", methods: "post")).Http.Count.ShouldBe(2);

    [Fact]
    public void A_function_of_any_method_shares_its_route_with_none() =>
        Should.Throw<StartupException>(() => Read(Metadata.Http("A", "a", methods: "get"), Metadata.Http("B", "a")));

    [Fact]
    public void All_faults_are_told_at_once() =>
        Should.Throw<StartupException>(() => Read([.. Faulty("no trigger"), .. Faulty("bad schedule")])).Message.Split(Environment.NewLine).Length.ShouldBe(2);

    private static FunctionDefinition[] Faulty(string fault) => fault switch
    {
        "duplicate" => [Metadata.Named("Two", Activity), Metadata.Named("two", Activity)],
        "no trigger" => [Metadata.Named("A", """{"name": "$return", "direction": "Out", "type": "http"}""")],
        "two triggers" => [Metadata.Named("A", Activity, """{"name": "r", "type": "httpTrigger"}""")],
        "bad name" => [Metadata.Named("1st", Activity)],
        "reserved name" => [Metadata.Named("host", Activity)],
        "unknown trigger" => [Metadata.Named("A", """{"name": "blob", "type": "blobTrigger"}""")],
        "unknown binding" => [Metadata.Named("A", Activity, """{"name": "$return", "direction": "Out", "type": "queue"}""")],
        "body parameter" => [Metadata.Queue("A", "body")],
        "routing key parameter" => [Metadata.Queue("A", "ROUTINGKEY")],
        "missing queue" => [Metadata.Named("A", """{"name": "m", "type": "rabbitMQTrigger", "queueName": "%NO_QUEUE%", "connectionStringSetting": "BROKER"}""")],
        "missing broker" => [Metadata.Named("A", """{"name": "m", "type": "rabbitMQTrigger", "queueName": "q", "connectionStringSetting": "NO_BROKER"}""")],
        "bad broker" => [Metadata.Named("A", """{"name": "m", "type": "rabbitMQTrigger", "queueName": "q", "connectionStringSetting": "HTTP_URL"}""")],
        "no broker" => [Metadata.Named("A", """{"name": "m", "type": "rabbitMQTrigger", "queueName": "q"}""")],
        "no queue" => [Metadata.Named("A", """{"name": "m", "type": "rabbitMQTrigger", "connectionStringSetting": "BROKER"}""")],
        "retry on http" => [Metadata.Http("A") with { Retry = Retry }],
        "retry on a queue" => [Metadata.Queue("A") with { Retry = Retry }],
        "bad route" => [Metadata.Http("A", "a/{b")],
        "unknown constraint" => [Metadata.Http("A", "a/{b:colour}")],
        "reserved route" => [Metadata.Http("A", "/Admin/a")],
        "route like a reserved one" => [Metadata.Http("A", "runtimes")],
        "bad level" => [Metadata.Http("A", level: "Everybody")],
        "missing schedule" => [Metadata.Timer("A", "%NO_WHEN%")],
        "bad schedule" => [Metadata.Timer("B", "%BAD_WHEN%")],
        "schedule that never comes" => [Metadata.Timer("B", "0 0 0 31 2 *")],
        _ => throw new ArgumentOutOfRangeException(nameof(fault)),
    };

    private FunctionIndex Read(params FunctionDefinition[] functions) =>
        FunctionIndex.Read(functions, new ConfigurationBuilder().AddInMemoryCollection(_settings).Build());
}
