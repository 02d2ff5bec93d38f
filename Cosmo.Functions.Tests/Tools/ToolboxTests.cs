using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools;

public sealed class ToolboxTests : IDisposable
{
    private const string Good = """{"name":"a","count":3}""";

    private readonly RecordedLogs _logs = new();
    private readonly LoggerFactory _loggers;
    private readonly ManualTimeProvider _time = new();

    public ToolboxTests() => _loggers = new LoggerFactory([_logs]);

    private static Caller User { get; } = new("u1", []);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _loggers.Dispose();

    [Fact]
    public async Task A_tool_gets_its_arguments_and_its_result_comes_back_as_JSON()
    {
        var output = await RunAsync(Echo, """{"name":"ñ","count":3,"code":"PH"}""");

        output.ShouldBe("""{"was":"EchoArguments { Name = ñ, Count = 3, Code = PH }"}""");
    }

    [Fact]
    public async Task An_optional_argument_may_be_null_or_left_out()
    {
        (await RunAsync(Echo, """{"name":"a","count":3,"code":null}""")).ShouldContain("Code =  }");
        (await RunAsync(Echo, Good)).ShouldContain("Code =  }");
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("", "'name' is required")]
    [InlineData("[]", "one JSON object")]
    [InlineData("\"text\"", "one JSON object")]
    [InlineData("""{"count":3}""", "'name' is required")]
    [InlineData("""{"name":null,"count":3}""", "'name' is required and must not be null")]
    [InlineData("""{"name":5,"count":3}""", "'name' must be a string")]
    [InlineData("""{"name":"a","count":"3"}""", "'count' must be a whole number")]
    [InlineData("""{"name":"a","count":3.5}""", "'count' must be a whole number")]
    [InlineData("""{"name":"a","count":99999999999}""", "'count' must be a whole number")]
    [InlineData("""{"name":"a","count":11}""", "'count' must lie between 1 and 10")]
    [InlineData("""{"name":"a","count":3,"code":"ph"}""", "'code' must match ^[A-Z]{2}$, or be null")]
    [InlineData("""{"name":"a","count":3,"code":"PH\n"}""", "'code' must match")]
    [InlineData("""{"name":"a","count":3,"colour":"red"}""", "Unknown argument 'colour'. The arguments are: name, count, code.")]
    [InlineData("""{"name":"a","name":"b","count":3}""", "not valid JSON")]
    [InlineData("""{"name":"\ud800","count":3}""", "not valid Unicode")]
    public async Task Arguments_that_are_wrong_are_explained_to_the_model(string arguments, string explanation)
    {
        var error = JsonNode.Parse(await RunAsync(Echo, arguments))!["error"]!.GetValue<string>();

        error.ShouldContain(explanation);
    }

    [Fact]
    public void The_schema_is_what_strict_mode_wants()
    {
        var expected = JsonNode.Parse("""
            {
              "type": "object",
              "properties": {
                "name": { "type": "string", "description": "A name." },
                "count": { "type": "integer", "minimum": 1, "maximum": 10 },
                "code": { "type": ["string", "null"], "pattern": "^[A-Z]{2}$" }
              },
              "required": ["name", "count", "code"],
              "additionalProperties": false
            }
            """);

        var schema = new EchoTool(Echo).Parameters;
        JsonNode.DeepEquals(schema, expected).ShouldBeTrue(schema.ToJsonString());
    }

    [Fact]
    public async Task An_unknown_tool_is_answered_with_the_names_of_those_there_are()
    {
        var (state, output) = await Toolbox(new EchoTool(Echo)).ExecuteAsync("guess", "{}", User, "call_1", _ => true, Cancellation);

        (state, output).ShouldBe((ToolState.Refused, """{"error":"There is no such tool for this user. The tools are: echo."}"""));
    }

    [Fact]
    public async Task A_tool_that_the_model_was_not_offered_is_an_unknown_one()
    {
        var (state, output) = await Toolbox(new EchoTool(Echo)).ExecuteAsync("echo", Good, User, "call_1", name => name != "echo", Cancellation);

        (state, output).ShouldBe((ToolState.Refused, """{"error":"There is no such tool for this user. The tools are: none."}"""));
    }

    [Fact]
    public async Task A_tool_that_the_caller_may_not_use_is_neither_offered_nor_run()
    {
        var toolbox = Toolbox(new EchoTool(Echo, "auditor"));
        var auditor = new Caller("u1", ["auditor"]);

        toolbox.AvailableTo(User).ShouldBeEmpty();
        toolbox.AvailableTo(auditor).ShouldHaveSingleItem();
        (await toolbox.ExecuteAsync("echo", Good, User, "call_1", _ => true, Cancellation)).Output.ShouldContain("needs a permission");
        (await toolbox.ExecuteAsync("echo", Good, auditor, "call_1", _ => true, Cancellation)).Output.ShouldContain("Name = a");
    }

    [Theory]
    [InlineData("auditor, boss", null, false, false, true, true)]
    [InlineData("", null, false, true, true, true)]
    [InlineData("anyone", null, true, true, true, true)]
    [InlineData("anyone", "Auditor", false, false, true, true)]
    [InlineData("auditor", "boss,anyone", true, true, true, true)]
    [InlineData("auditor", "", false, true, true, true)]
    [InlineData("anyone", " , ", false, true, true, true)]
    public void Who_may_use_a_tool_says_the_tool_or_a_setting(string own, string? set, bool stranger, bool user, bool auditor, bool producer)
    {
        var options = new ToolOptions();
        if (set is not null)
        {
            options.Roles["Echo"] = set;
        }

        var toolbox = Toolbox(options, new EchoTool(Echo, own.Split(", ", StringSplitOptions.RemoveEmptyEntries)));

        bool IsOffered(Caller caller) => toolbox.AvailableTo(caller).Count == 1;
        (IsOffered(Caller.Anonymous), IsOffered(User), IsOffered(new Caller("u1", ["AUDITOR"])), IsOffered(Caller.TrustedProducer)).ShouldBe((stranger, user, auditor, producer));
    }

    [Theory]
    [InlineData("auditor", false)]
    [InlineData("", false)]
    [InlineData("anyone", true)]
    public void Where_producers_are_not_trusted_one_that_names_no_user_is_a_stranger(string role, bool isOffered)
    {
        var toolbox = Toolbox(new ToolOptions { TrustProducers = false }, new EchoTool(Echo, role.Length == 0 ? [] : [role]));

        toolbox.AvailableTo(Caller.TrustedProducer).Count.ShouldBe(isOffered ? 1 : 0);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void Roles_without_an_id_make_no_signed_in_user(string? id)
    {
        var caller = new Caller(id, ["auditor"]);

        Toolbox(new EchoTool(Echo)).AvailableTo(caller).ShouldBeEmpty();
        Toolbox(new EchoTool(Echo, "auditor")).AvailableTo(caller).ShouldHaveSingleItem();
    }

    [Fact]
    public void Roles_of_a_tool_that_does_not_exist_stop_the_start()
    {
        var options = new ToolOptions();
        options.Roles["get_wether"] = "auditor";

        Should.Throw<OptionsValidationException>(() => Toolbox(options, new EchoTool(Echo))).Message.ShouldBe("Cosmo:Tools:Roles:get_wether names no tool. The tools are: echo.");
    }

    [Fact]
    public void A_tool_without_its_settings_is_not_offered() =>
        Toolbox(new EchoTool(Echo) { Configured = false }).All.ShouldBeEmpty();

    [Fact]
    public async Task The_details_of_an_exception_go_to_the_log_alone()
    {
        var output = await RunAsync(_ => throw new InvalidOperationException("password=secret"), Good);

        output.ShouldContain("\"error\"");
        output.ShouldNotContain("secret");
        _logs.Text.ShouldContain("secret");
    }

    [Fact]
    public async Task What_a_tool_says_to_the_model_reaches_it()
    {
        var output = await RunAsync(_ => throw new ToolException("No such city."), Good);

        output.ShouldBe("""{"error":"No such city."}""");
    }

    [Fact]
    public async Task A_tool_that_heeds_no_cancellation_is_left_behind_at_the_time_limit()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = RunAsync(
            _ =>
            {
                begun.SetResult();
                return new TaskCompletionSource<JsonNode>().Task;
            },
            Good);
        await begun.Task;

        _time.Advance(TimeSpan.FromSeconds(19.9));
        running.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.1));

        (await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).ShouldContain("took too long");
    }

    [Fact]
    public async Task The_callers_cancellation_is_no_time_out()
    {
        using var caller = new CancellationTokenSource();
        var tool = new EchoTool(_ =>
        {
            caller.Cancel();
            return new TaskCompletionSource<JsonNode>().Task;
        });

        await Should.ThrowAsync<OperationCanceledException>(Toolbox(tool).ExecuteAsync("echo", Good, User, "call_1", _ => true, caller.Token));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("\"")]
    [InlineData("漢")]
    [InlineData("😀")]
    public async Task An_output_that_is_too_long_is_cut_with_a_note(string letter)
    {
        var text = string.Concat(Enumerable.Repeat(letter, 20_000));

        var output = await RunAsync(_ => Task.FromResult<JsonNode>(new JsonObject { ["text"] = text }), Good);

        Encoding.UTF8.GetByteCount(output).ShouldBeInRange(12_000, 16_384);
        var cut = JsonNode.Parse(output)!;
        cut["note"]!.GetValue<string>().ShouldContain("cut");
        cut["beginning_of_output"]!.GetValue<string>().ShouldStartWith("""{"text":""");
        output.ShouldNotContain("\uFFFD");
    }

    private static Task<JsonNode> Echo(EchoArguments arguments) => Task.FromResult<JsonNode>(new JsonObject { ["was"] = arguments.ToString() });

    private async Task<string> RunAsync(Func<EchoArguments, Task<JsonNode>> run, string arguments) =>
        (await Toolbox(new EchoTool(run)).ExecuteAsync("echo", arguments, User, "call_1", _ => true, Cancellation)).Output;

    private Toolbox Toolbox(params ITool[] tools) => Toolbox(new ToolOptions(), tools);

    private Toolbox Toolbox(ToolOptions options, params ITool[] tools) => new(tools, Options.Create(options), _time, _loggers.CreateLogger<Toolbox>());

    private sealed record EchoArguments(
        [Description("A name.")] string Name, [Range(1, 10)] int Count, [RegularExpression("^[A-Z]{2}$")] string? Code);

    private sealed class EchoTool(Func<EchoArguments, Task<JsonNode>> run, params string[] roles) : Tool<EchoArguments, JsonNode>
    {
        public bool Configured { get; init; } = true;

        public override string Name => "echo";

        public override string Description => "Says what it was given.";

        public override bool IsConfigured => Configured;

        public override IReadOnlyList<string> Roles => roles;

        protected override Task<JsonNode> ExecuteAsync(EchoArguments arguments, CancellationToken cancellationToken) => run(arguments);
    }
}
