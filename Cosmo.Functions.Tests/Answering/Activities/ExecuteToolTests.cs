using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class ExecuteToolTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordingPublisher _updates = new();
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly StopSignals _stopSignals;
    private readonly MessageMemory _memory;

    public ExecuteToolTests()
    {
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _memory = new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        _stopSignals.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task The_client_is_told_which_tool_runs_and_the_model_what_it_said()
    {
        var output = await RunAsync("echo", (arguments, _) => Task.FromResult<JsonNode>(new JsonObject { ["said"] = arguments.GetProperty("text").GetString() }));

        output.ShouldBe("""{"said":"Hello"}""");
        _updates.Published.TryRead(out var update).ShouldBeTrue();
        (update!.Type, update.Message, update.Tool).ShouldBe(("tool", "Executing echo...", new("call_1", "echo", "running")));
        _updates.Published.TryRead(out var end).ShouldBeTrue();
        (end!.Type, end.Message, end.Tool).ShouldBe(("tool", "Executing echo...", new("call_1", "echo", "done", 0)));
    }

    [Fact]
    public async Task The_client_is_told_how_a_call_ended_and_how_long_it_took()
    {
        await RunAsync("echo", (_, _) => throw new ToolException("No."));
        await RunAsync("echo", (_, _) =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1.5));
            throw new InvalidOperationException("It broke.");
        });

        var told = new List<(string, double?)>();
        while (_updates.Published.TryRead(out var update))
        {
            told.Add((update.Tool!.State, update.Tool.Seconds));
        }

        told.ShouldBe([("running", null), ("refused", 0), ("running", null), ("failed", 1.5)]);
    }

    [Fact]
    public async Task A_name_without_end_that_the_model_asks_for_is_shown_short()
    {
        await RunAsync(new string('x', 10_000), (_, _) => throw new InvalidOperationException("It has no such tool."), known: false);

        _updates.Published.TryRead(out var update).ShouldBeTrue();
        update!.Message.Length.ShouldBeLessThan(100);
    }

    [Fact]
    public async Task At_the_deadline_of_the_answer_the_tool_is_stopped_and_the_model_told_so()
    {
        var begun = new TaskCompletionSource();
        var running = RunAsync("slow", async (_, cancellation) =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
            return new JsonObject();
        });

        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(5));

        (await running).ShouldBe("The tool was stopped before it had a result.");
        _updates.Published.TryRead(out _).ShouldBeTrue();
        _updates.Published.TryRead(out var end).ShouldBeTrue();
        end!.Tool.ShouldBe(new("call_1", "slow", "failed", 5));
    }

    [Fact]
    public async Task A_call_that_needs_approval_runs_with_it_alone()
    {
        var runs = 0;
        Task<string> AskAsync(bool isApproved) => RunAsync("echo", (_, _) => Task.FromResult<JsonNode>(new JsonObject { ["run"] = ++runs }), needsApproval: true, isApproved: isApproved);

        (await AskAsync(isApproved: false)).ShouldBe(Toolbox.NotApproved);
        (await AskAsync(isApproved: true)).ShouldBe("""{"run":1}""");
    }

    [Fact]
    public void Of_a_name_sixty_four_characters_are_shown()
    {
        ToolCalls.Of(new ToolCall("call_1", new string('x', 64), "{}")).Name.Length.ShouldBe(64);
        ToolCalls.Of(new ToolCall("call_1", new string('x', 65), "{}")).Name.ShouldBe(new string('x', 64));
    }

    [Theory]
    [InlineData("""{"city":"Makati"}""", """{"city":"Makati"}""")]
    [InlineData("no JSON", "\"no JSON\"")]
    public void A_person_is_shown_the_arguments_as_the_model_gave_them(string arguments, string shown)
    {
        var awaiting = ToolCalls.Awaiting(new ToolCall("call_1", "echo", arguments), DateTimeOffset.UnixEpoch);

        awaiting.Arguments!.Value.GetRawText().ShouldBe(shown);
        (awaiting.State, awaiting.ExpiresAt).ShouldBe(("awaiting_approval", DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public async Task A_message_that_is_over_has_its_tool_not_carried_out()
    {
        _updates.IsFenced = true;

        (await RunAsync("echo", (_, _) => throw new InvalidOperationException("It ran."))).ShouldBe("The tool was not carried out: the request had ended.");
    }

    [Fact]
    public async Task A_tool_runs_also_where_Redis_cannot_be_asked_whether_its_message_is_over()
    {
        _updates.Gate = Task.FromException(new TimeoutException("away"));

        (await RunAsync("echo", (_, _) => Task.FromResult<JsonNode>(new JsonObject { ["run"] = 1 }))).ShouldBe("""{"run":1}""");
    }

    [Fact]
    public async Task A_call_that_may_happen_once_only_is_not_made_where_that_cannot_be_made_sure()
    {
        await using var nowhere = TestRedis.Nowhere();
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(60) };
        var memory = new MessageMemory(nowhere, clock, NullLogger<MessageMemory>.Instance);

        var output = await RunAsync("pay", (_, _) => throw new InvalidOperationException("It ran."), isReadOnly: false, memory: memory, clock: clock);

        output.ShouldBe("The tool was not carried out: it could not be made sure that it happens only once.");
    }

    [Fact]
    public async Task Of_a_call_that_may_happen_once_only_and_is_stopped_nobody_knows_how_it_ended()
    {
        var begun = new TaskCompletionSource();
        var running = RunAsync(
            "pay",
            async (_, cancellation) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
                return new JsonObject();
            },
            isReadOnly: false);

        await begun.Task;
        _clock.Advance(TimeSpan.FromSeconds(5));

        (await running).ShouldBe($"The tool was stopped before it had a result. {Toolbox.OutcomeUnknown}");
    }

    [Fact]
    public async Task A_call_that_may_happen_once_only_is_not_made_where_Redis_refuses_to_note_it()
    {
        await using var redis = new InterceptedRedis(_redis.Prefix, "'HSETNX'", _redis.RefuseAsync);

        var output = await RunAsync("pay", (_, _) => throw new InvalidOperationException("It ran."), isReadOnly: false, memory: MemoryOn(redis));

        output.ShouldBe("The tool was not carried out: it could not be made sure that it happens only once.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_that_may_happen_once_only_and_was_made_gives_its_output_also_where_that_cannot_be_kept(bool isSilent)
    {
        await using var redis = new InterceptedRedis(_redis.Prefix, "unpack(ARGV, 2)", () => isSilent ? throw new TimeoutException("away") : _redis.RefuseAsync());
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(60) };

        var output = await RunAsync("pay", (_, _) => Task.FromResult<JsonNode>(new JsonObject { ["paid"] = true }), isReadOnly: false, memory: MemoryOn(redis, clock), clock: clock, left: TimeSpan.FromMinutes(2));

        output.ShouldBe("""{"paid":true}""");
    }

    [Fact]
    public async Task The_output_of_a_call_that_may_happen_once_only_counts_also_where_its_time_is_up_before_it_is_kept()
    {
        await using var held = new HeldRedis(_redis.Prefix, "unpack(ARGV, 2)");

        var running = RunAsync("pay", (_, _) => Task.FromResult<JsonNode>(new JsonObject { ["paid"] = true }), isReadOnly: false, memory: MemoryOn(held.Connection));
        await held.AskedAsync();
        _clock.Advance(TimeSpan.FromSeconds(5));
        held.Release();

        (await running).ShouldBe("""{"paid":true}""");
    }

    [Theory]
    [InlineData("'HSETNX'")]
    [InlineData("unpack(ARGV, 2)")]
    public async Task A_worker_that_stops_while_a_call_is_noted_fails_the_activity(string script)
    {
        using var stopping = new CancellationTokenSource();
        _context.CancellationToken.Returns(stopping.Token);
        await using var redis = new InterceptedRedis(_redis.Prefix, script, stopping.CancelAsync);

        await Should.ThrowAsync<OperationCanceledException>(RunAsync("pay", (_, _) => Task.FromResult<JsonNode>(new JsonObject()), isReadOnly: false, memory: MemoryOn(redis)));
    }

    private MessageMemory MemoryOn(RedisConnection redis, TimeProvider? clock = null) => new(redis, clock ?? _clock, NullLogger<MessageMemory>.Instance);

    private Task<string> RunAsync(
        string name,
        Func<JsonElement, CancellationToken, Task<JsonNode>> run,
        bool known = true,
        bool needsApproval = false,
        bool isApproved = false,
        bool isReadOnly = true,
        MessageMemory? memory = null,
        TimeProvider? clock = null,
        TimeSpan? left = null)
    {
        var toolbox = new Toolbox(known ? [new OneTool(name, run) { RequiresApproval = needsApproval, IsReadOnly = isReadOnly }] : [], Options.Create(new ToolOptions()), _clock, NullLogger<Toolbox>.Instance);
        var call = new ToolCall("call_1", name, """{"text":"Hello"}""");
        return new ExecuteTool(toolbox, TestProfiles.BuiltIn, _updates, memory ?? _memory, _stopSignals, clock ?? _clock, NullLogger<ExecuteTool>.Instance).RunAsync(
            new ToolInput(Address, "instance-1", "conv_1", call, Caller.TrustedProducer, _clock.GetUtcNow() + (left ?? TimeSpan.FromSeconds(5)), isApproved), _context);
    }

    private sealed class OneTool(string name, Func<JsonElement, CancellationToken, Task<JsonNode>> run) : ITool
    {
        public string Name => name;

        public string Description => "Does what the test says.";

        public JsonNode Parameters => new JsonObject();

        public bool RequiresApproval { get; init; }

        public bool IsReadOnly { get; init; }

        public Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken) => run(arguments, cancellationToken);
    }
}
