using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Cosmo.Functions.Tools;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>Every activity may run again: after a try that died, and when its orchestration waits for it no longer.</summary>
public sealed class RepeatedActivityTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);
    private static readonly MessageAddress Next = new("channel", "msg-2", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromSeconds(5) };
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();
    private readonly UpdateLog _log;
    private readonly UpdatePublisher _updates;
    private readonly AccessSetup _access;
    private readonly ThreadStore _threads;
    private readonly TurnQueue _turns;
    private readonly TurnRelease _turn;
    private readonly MessageMemory _memory;
    private readonly StopSignals _stopSignals;

    public RepeatedActivityTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _updates = _webPubSub.Publisher(_log, _redis.Connection, _clock);
        _access = new AccessSetup(_redis.Connection, _clock);
        _threads = new ThreadStore(
            _redis.Connection, new ThreadIndex(_redis.Connection, _clock), _access.Owners, Options.Create(new ThreadOptions()), _clock, NullLogger<ThreadStore>.Instance);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _turn = new TurnRelease(_turns, _clock, NullLogger<TurnRelease>.Instance);
        _memory = new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _access.Dispose();
        _stopSignals.Dispose();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("conv_1")]
    public async Task No_thread_is_made_and_the_model_is_not_asked_when_the_message_is_over(string? threadId)
    {
        await _updates.PublishAsync(Address, Updates.Error(Address, "conv_1", "sentence", "details"), once: null, Cancellation);

        (await RunAssistantAsync(threadId)).Failure.ShouldBe(Failure.Over);

        _assistant.ReceivedCalls().ShouldBeEmpty();
        _webPubSub.Sent.ShouldHaveSingleItem();
        (await _turns.ClaimAsync(Address, "another-run", Cancellation)).ShouldBe(MessageClaim.Over);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_another_run_has_is_that_ones_to_answer_and_to_end(bool isOver)
    {
        await TakeTurnsAsync();
        await _turns.ClaimAsync(Address, "another-run", Cancellation);
        if (isOver)
        {
            await _log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);
        }

        (await RunAssistantAsync(threadId: null)).Failure.ShouldBe(Failure.Over);

        _assistant.ReceivedCalls().ShouldBeEmpty();
        _webPubSub.Sent.ShouldBeEmpty();
        (await _turns.HeadAsync(Next, "instance-2", "run-2", gone: null, Cancellation)).ShouldBe("instance-1");
    }

    [Fact]
    public async Task A_first_round_that_died_with_its_last_word_recorded_says_it_and_gives_the_turn_on()
    {
        await TakeTurnsAsync();
        await _turns.ClaimAsync(Address, "run-1", Cancellation);
        await _log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await RunAssistantAsync(threadId: null)).Failure.ShouldBeNull();

        _assistant.ReceivedCalls().ShouldBeEmpty();
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["completed"]);
        await NextHasTheTurnAsync();
    }

    [Fact]
    public async Task A_last_word_that_was_recorded_is_said_although_Redis_forgot_whose_the_message_is()
    {
        await TakeTurnsAsync();
        await _log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await RunAssistantAsync(threadId: null)).Failure.ShouldBeNull();

        _assistant.ReceivedCalls().ShouldBeEmpty();
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["completed"]);
    }

    [Fact]
    public async Task The_model_is_not_asked_by_work_that_was_told_to_stop_before_it_began()
    {
        await _stopSignals.StopAsync("channel", "instance-1", Cancellation);

        (await RunAssistantAsync()).Failure.ShouldBe(Failure.Stopped);

        _assistant.ReceivedCalls().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_tool_runs_when_the_message_is_over_or_its_work_was_told_to_stop(bool isOver)
    {
        await (isOver ? EndAsync() : _stopSignals.StopAsync("channel", "instance-1", Cancellation));
        var before = _webPubSub.Sent.Count;
        var tool = new CountedTool();

        await ExecuteAsync(tool);

        tool.Runs.ShouldBe(0);
        _webPubSub.Sent.Count.ShouldBe(before);
    }

    [Fact]
    public async Task A_call_that_may_happen_once_only_gives_its_output_again()
    {
        var tool = new CountedTool { IsReadOnly = false };

        (await ExecuteAsync(tool)).ShouldBe("""{"runs":1,"call":"call_1"}""");
        (await ExecuteAsync(tool)).ShouldBe("""{"runs":1,"call":"call_1"}""");
        (await ExecuteAsync(tool, "call_2")).ShouldBe("""{"runs":2,"call":"call_2"}""");
        await ExecuteAsync(new CountedTool(), "call_3");

        // A later message of the channel can ask which of them had begun.
        (await Task.WhenAll(new[] { "call_1", "call_2", "call_3" }.Select(call => _memory.IsClaimedAsync("channel", call, Cancellation)))).ShouldBe([true, true, false]);
        (await _memory.IsClaimedAsync("other", "call_1", Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_call_that_may_happen_once_only_and_was_killed_in_mid_call_is_not_made_again()
    {
        using var killed = new CancellationTokenSource();
        _context.CancellationToken.Returns(killed.Token);
        var tool = new CountedTool { IsReadOnly = false, Running = killed.CancelAsync };
        await Should.ThrowAsync<OperationCanceledException>(ExecuteAsync(tool));
        _context.CancellationToken.Returns(Cancellation);

        (await ExecuteAsync(tool)).ShouldContain("The outcome is unknown");

        tool.Runs.ShouldBe(1);
    }

    [Fact]
    public async Task Two_tries_at_once_of_a_call_that_may_happen_once_only_make_it_once()
    {
        var tool = new CountedTool { IsReadOnly = false };

        var outputs = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ExecuteAsync(tool)));

        tool.Runs.ShouldBe(1);
        outputs.ShouldAllBe(output => output.Contains("\"runs\":1") || output.Contains("The outcome is unknown"));
        outputs.ShouldContain(output => output.Contains("\"runs\":1"));
    }

    [Fact]
    public async Task A_call_that_changes_nothing_is_made_again()
    {
        var tool = new CountedTool();

        await ExecuteAsync(tool);
        await ExecuteAsync(tool);

        tool.Runs.ShouldBe(2);
    }

    [Fact]
    public async Task Each_call_is_told_of_once_when_it_begins_and_once_when_it_ends()
    {
        var tool = new CountedTool();

        await ExecuteAsync(tool);
        await ExecuteAsync(tool, "call_2");
        await ExecuteAsync(tool);

        _webPubSub.Sent.Select(update => (update.Tool!.CallId, update.Tool.State)).ShouldBe([("call_1", "running"), ("call_1", "done"), ("call_2", "running"), ("call_2", "done")]);
    }

    [Fact]
    public async Task A_second_try_takes_over_the_response_of_the_one_that_died()
    {
        var tries = 0;
        async Task<AssistantResponse> RespondAsync(IAssistantObserver observer)
        {
            await observer.ResponseCreatedAsync("resp_1");
            return ++tries == 1 ? throw new InvalidOperationException("The worker died.") : new AssistantResponse("resp_1", "Hello", []);
        }

        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>())
            .Returns(call => RespondAsync(call.Arg<IAssistantObserver>()));
        await Should.ThrowAsync<InvalidOperationException>(RunAssistantAsync());

        (await RunAssistantAsync()).Failure.ShouldBeNull();

        _assistant.ReceivedCalls().Select(call => ((AssistantRequest)call.GetArguments()[0]!).EarlierResponseId).ShouldBe([null, "resp_1"]);
    }

    [Fact]
    public async Task An_answer_that_is_finished_again_is_told_once_and_its_turn_given_on()
    {
        await TakeTurnsAsync();
        Answer("Hello");

        await RunAssistantAsync();
        await RunAssistantAsync();

        _assistant.ReceivedCalls().ShouldHaveSingleItem();
        _webPubSub.Sent.Select(update => (update.Status, update.Message)).ShouldBe([("completed", "Hello")]);
        await NextHasTheTurnAsync();
    }

    [Fact]
    public async Task An_answer_whose_final_update_was_recorded_and_not_sent_is_told_as_it_was_recorded()
    {
        await TakeTurnsAsync();
        await _log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await RunAssistantAsync()).Failure.ShouldBeNull();

        _assistant.ReceivedCalls().ShouldBeEmpty();
        _webPubSub.Sent.Select(update => (update.Status, update.Message)).ShouldBe([("completed", "Hello")]);
        (await _memory.FindBodyAsync(Address, Cancellation)).ShouldBeNull("no dead letter will need it");
        await NextHasTheTurnAsync();
    }

    [Fact]
    public async Task A_turn_that_was_released_by_a_try_that_died_is_told_of_by_the_next()
    {
        await TakeTurnsAsync();
        await EndAsync();
        await _turns.ReleaseAsync(Address, "instance-1", isAnswered: false, Cancellation);

        await RunAssistantAsync();

        await NextHasTheTurnAsync();
    }

    [Fact]
    public async Task A_failure_that_is_told_again_is_told_once_and_its_turn_given_on()
    {
        await TakeTurnsAsync();
        var input = new FailInput(Address, "instance-1", HasBegun: true, "conv_1", Failure.Stalled, _clock.GetUtcNow());

        (await Failing.RunAsync(input, _client, _context)).ShouldBeFalse();
        (await Failing.RunAsync(input, _client, _context)).ShouldBeFalse();

        _webPubSub.Sent.Select(update => (update.Status, update.Type)).ShouldBe([("error", "timeout")]);
        await _assistant.Received(2).AnswerOutstandingCallsAsync("conv_1", Arg.Any<string>(), Arg.Any<CancellationToken>());
        await NextHasTheTurnAsync();
    }

    [Theory]
    [InlineData("overall", "timeout", "timeout")]
    [InlineData("cancelled", "error", "cancelled")]
    [InlineData("assistant", "error", "error")]
    public async Task What_was_seen_of_an_answer_that_is_cut_off_is_kept_as_it_was_however_often_its_end_is_told(string cause, string type, string status)
    {
        await TakeTurnsAsync();
        await _updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "It is"), once: null, Cancellation);
        _assistant.KeepShownAsync("conv_1", Arg.Is<IReadOnlyList<string>>(questions => questions.Single() == "Hi"), "It is", Arg.Any<Func<string, Task<bool>>>(), Arg.Any<CancellationToken>()).Returns("msg_1");
        var input = new FailInput(Address, "instance-1", HasBegun: true, "conv_1", new Failure(cause, type, "", ""), _clock.GetUtcNow(), "Hi", 0);

        await Failing.RunAsync(input, _client, _context);
        await Failing.RunAsync(input, _client, _context);

        await _assistant.Received(2).KeepShownAsync("conv_1", Arg.Is<IReadOnlyList<string>>(questions => questions.Single() == "Hi"), "It is", Arg.Any<Func<string, Task<bool>>>(), Arg.Any<CancellationToken>());
        (await History.FindAsync("channel", ["msg_1"], Cancellation))["msg_1"].ShouldBe(new EndedMessage(Address.MessageId, status, input.ReceivedAt, _clock.GetUtcNow()));
    }

    [Fact]
    public async Task A_failure_that_comes_after_the_answer_says_so_and_tells_nobody()
    {
        await TakeTurnsAsync();
        await EndAsync();

        var isAnswered = await Failing.RunAsync(
            new FailInput(Address, "instance-1", HasBegun: true, "conv_1", Failure.Overall(TimeSpan.FromSeconds(90)), _clock.GetUtcNow()), _client, _context);

        isAnswered.ShouldBeTrue();
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["completed"]);
        await NextHasTheTurnAsync();
    }

    [Fact]
    public async Task A_failure_that_comes_after_a_cancellation_from_elsewhere_keeps_no_dead_letter()
    {
        await _updates.PublishAsync(Address, Updates.Cancelled(Address, "conv_1", "Hel"), once: null, Cancellation);

        var needsNoLetter = await Failing.RunAsync(
            new FailInput(Address, "instance-1", HasBegun: true, "conv_1", Failure.Overall(TimeSpan.FromSeconds(90)), _clock.GetUtcNow()), _client, _context);

        needsNoLetter.ShouldBeTrue();
        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["cancelled"]);
    }

    private MergedEnds Merged => new(_turns, _updates, NullLogger<MergedEnds>.Instance);

    private MessageHistory History => new(_redis.Connection, Options.Create(new ThreadOptions()), _clock);

    private void Answer(string text) =>
        _assistant.RespondAsync(Arg.Any<AssistantRequest>(), Arg.Any<IAssistantObserver>(), Arg.Any<CancellationToken>())
            .Returns(new AssistantResponse("resp_1", text, []));

    /// <summary>Sends the message's final update.</summary>
    private Task<bool> EndAsync() => _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

    private async Task TakeTurnsAsync()
    {
        await _turns.TakeAsync(Address, "Hello", [], "instance-1", 20, null, null, Cancellation);
        await _turns.TakeAsync(Next, "Hello", [], "instance-2", 20, null, null, Cancellation);
    }

    private async Task NextHasTheTurnAsync()
    {
        (await _turns.HeadAsync(Next, "instance-2", "run-2", gone: null, Cancellation)).ShouldBe("instance-2");
        _client.ReceivedCalls().Where(call => call.GetMethodInfo().Name == nameof(DurableTaskClient.RaiseEventAsync))
            .Select(call => (call.GetArguments()[0], call.GetArguments()[1])).Distinct().ShouldBe([("instance-2", AnswerMessage.TurnGranted)]);
    }

    private FailAnswer Failing => new(
        _updates, _log, _assistant, new ThreadReader(_redis.Connection), TestProfiles.BuiltIn, _memory, History, _turns, Merged, _turn, _clock, NullLogger<FailAnswer>.Instance);

    private Task<RunResult> RunAssistantAsync(string? threadId = "conv_1") => new RunAssistant(
        new AnswerOpening(_turns, _threads, _assistant, _updates, Merged, new Replacement(_assistant, History, NullLogger<Replacement>.Instance), Options.Create(new AnsweringOptions()), _clock, NullLogger<AnswerOpening>.Instance),
        _assistant, new Toolbox([], Options.Create(new ToolOptions()), _clock, NullLogger<Toolbox>.Instance), _updates, _memory, History, new UsageLedger(_redis.Connection, AccessSetup.BackendNames, Options.Create(new LimitOptions()), _clock), _log, _turns, Merged, _stopSignals, _turn, new AnswerCapacity(), Options.Create(new DeliveryOptions()), _clock, NullLogger<RunAssistant>.Instance).RunAsync(
            new RunInput(
                Address, "instance-1", "run-1", HasStarted: true, threadId, "Hi", [], Caller.TrustedProducer, 0, _clock.GetUtcNow() + TimeSpan.FromSeconds(45),
                _clock.GetUtcNow() + TimeSpan.FromSeconds(90), _clock.GetUtcNow()), _client, _context);

    private Task<string> ExecuteAsync(CountedTool tool, string callId = "call_1") =>
        new ExecuteTool(
            new Toolbox([tool], Options.Create(new ToolOptions()), _clock, NullLogger<Toolbox>.Instance), TestProfiles.BuiltIn, _updates, _memory, _stopSignals, _clock, NullLogger<ExecuteTool>.Instance)
            .RunAsync(
                new ToolInput(Address, "instance-1", "conv_1", new ToolCall(callId, tool.Name, "{}"), Caller.TrustedProducer, _clock.GetUtcNow() + TimeSpan.FromSeconds(90)),
                _context);

    private sealed class CountedTool : ITool
    {
        private int _runs;

        public int Runs => _runs;

        public bool IsReadOnly { get; init; } = true;

        public Func<Task> Running { get; init; } = () => Task.CompletedTask;

        public string Name => "count";

        public string Description => "Counts how often it runs.";

        public JsonNode Parameters => new JsonObject();

        public async Task<JsonNode> ExecuteAsync(JsonElement arguments, Caller caller, string callId, CancellationToken cancellationToken)
        {
            var runs = Interlocked.Increment(ref _runs);
            await Running();
            cancellationToken.ThrowIfCancellationRequested();
            return new JsonObject { ["runs"] = runs, ["call"] = callId };
        }
    }
}
