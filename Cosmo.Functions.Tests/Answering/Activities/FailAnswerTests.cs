using System.Diagnostics;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Functions.Tests.Delivery;
using Cosmo.Functions.Threads;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering.Activities;

public sealed class FailAnswerTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly IAssistant _assistant = Substitute.For<IAssistant>();
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly UpdateLog _log;
    private readonly UpdatePublisher _updates;
    private readonly MessageMemory _memory;
    private readonly MessageHistory _history;
    private readonly TurnQueue _turns;
    private Func<string, Task<bool>> _isAnothers = null!;

    public FailAnswerTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _updates = _webPubSub.Publisher(_log, _redis.Connection, _clock);
        _memory = new MessageMemory(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);
        _history = new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _assistant.KeepShownAsync(Arg.Any<string>(), Arg.Any<IReadOnlyList<string>>(), Arg.Any<string>(), Arg.Do<Func<string, Task<bool>>>(asked => _isAnothers = asked), Arg.Any<CancellationToken>())
            .Returns("msg_kept");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_Web_PubSub_that_stays_away_holds_the_turn_for_one_patience_alone()
    {
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(5) };
        var webPubSub = Substitute.For<WebPubSubServiceClient>();
        webPubSub.SendToGroupAsync(
            Arg.Any<string>(), Arg.Any<RequestContent>(), Arg.Any<ContentType>(), Arg.Any<IEnumerable<string>?>(), Arg.Any<string?>(), Arg.Any<RequestContext?>())
            .ThrowsAsync(new RequestFailedException(503, "away"));
        var log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), clock);
        var begun = clock.GetUtcNow();

        var isAnswered = await Failing(log, webPubSub, clock).RunAsync(
            new FailInput(new MessageAddress("channel", "msg-1", 1), "instance-1", HasBegun: true, null, Failure.Stalled, begun),
            Substitute.For<DurableTaskClient>("test"),
            Substitute.For<FunctionContext>());

        isAnswered.ShouldBeFalse();
        (clock.GetUtcNow() - begun).ShouldBeInRange(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_call_that_died_with_its_worker_is_said_to_have_failed_before_the_end()
    {
        var clock = new ManualTimeProvider();
        var webPubSub = new RecordingWebPubSub();
        var log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), clock);
        var updates = webPubSub.Publisher(log, _redis.Connection, clock);
        var address = new MessageAddress("channel", "msg-1", 1);
        var cancellation = TestContext.Current.CancellationToken;
        await updates.TellToolAsync(address, "conv_1", new("call_1", "get_weather", "running"), cancellation);
        await updates.TellToolAsync(address, "conv_1", new("call_1", "get_weather", "done", 0.2), cancellation);
        await updates.TellToolAsync(address, "conv_1", new("call_2", "get_user_role", "running"), cancellation);
        await updates.TellToolAsync(address with { MessageId = "msg-2" }, "conv_1", new("call_3", "get_weather", "running"), cancellation);

        await Failing(log, webPubSub, clock).RunAsync(
            new FailInput(address, "instance-1", HasBegun: true, "conv_1", Failure.Stalled, clock.GetUtcNow()), Substitute.For<DurableTaskClient>("test"), Substitute.For<FunctionContext>());

        webPubSub.Sent.Skip(4).Select(update => (update.Type, update.Tool)).ShouldBe([("tool", new("call_2", "get_user_role", "failed")), ("timeout", null)]);
    }

    [Fact]
    public async Task A_call_that_waited_for_a_person_has_failed_and_is_shown_without_its_arguments()
    {
        var awaiting = ToolCalls.Awaiting(new ToolCall("call_1", "get_user_role", "{}"), _clock.GetUtcNow());
        await _updates.PublishAsync(Address, Updates.Tool(Address, "conv_1", awaiting), "tool-approval:call_1", Cancellation);

        (await FailAsync(Failure.Cancelled)).ShouldBeFalse();

        _webPubSub.Sent[1].Tool.ShouldBe(new("call_1", "get_user_role", "failed"));
    }

    [Fact]
    public async Task Of_a_later_round_that_broke_off_the_text_behind_that_of_the_rounds_before_is_kept()
    {
        await _memory.RememberSoFarAsync(Address, 0, new("Let me look.", null) { MessageIds = ["msg_a"], CallIds = ["call_1"] }, Cancellation);
        await ShowAsync("Let me look.\n\nIt is");

        await FailAsync(Failure.Stalled, round: 1);

        KeptOf(await ItemsAsync("msg_a", "call_1", "msg_kept")).ShouldBe(["msg_a", "call_1", "msg_kept"]);
        await _assistant.Received(1).KeepShownAsync("conv_1", Arg.Is<IReadOnlyList<string>>(questions => questions.Count == 0), "It is", Arg.Any<Func<string, Task<bool>>>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Of_a_round_that_had_ended_nothing_is_kept_again()
    {
        await _memory.RememberSoFarAsync(Address, 0, new("", null) { CallIds = ["call_0"] }, Cancellation);
        await _memory.RememberSoFarAsync(Address, 1, new("Let me look.", null) { MessageIds = ["msg_a"], CallIds = ["call_1"] }, Cancellation);
        await ShowAsync("Let me look.");

        await FailAsync(Failure.Stalled, round: 1);

        KeptOf(await ItemsAsync("msg_a", "call_0", "call_1")).ShouldBe(["msg_a", "call_1"]);
        await DidNotKeepAsync();
    }

    [Theory]
    [InlineData("Something else", "Hi")]
    [InlineData(null, "Hi")]
    [InlineData("Let me look. It is", null)]
    public async Task What_was_not_seen_or_is_not_known_to_whom_it_was_said_is_not_kept(string? shown, string? question)
    {
        await _memory.RememberSoFarAsync(Address, 0, new("Let me look.", null), Cancellation);
        await (shown is null ? Task.CompletedTask : ShowAsync(shown));

        await FailAsync(Failure.Stalled, round: 1, question: question);

        await DidNotKeepAsync();
    }

    [Fact]
    public async Task What_was_seen_is_kept_with_all_questions_that_were_asked_together_and_each_has_its_end()
    {
        await ShowAsync("\n\nIt is");

        await FailAsync(Failure.Cancelled, merged: [Other("msg-2"), Other("msg-3")]);

        await _assistant.Received(1).KeepShownAsync(
            "conv_1", Arg.Is<IReadOnlyList<string>>(questions => questions.SequenceEqual(new[] { "Hi", "Question of msg-2", "Question of msg-3" })), "\n\nIt is", Arg.Any<Func<string, Task<bool>>>(), Arg.Any<CancellationToken>());
        _webPubSub.Sent.Skip(1).Select(update => (update.MessageId, update.Status, update.Message)).ShouldBe(
            [("msg-1", "cancelled", "\n\nIt is"), ("msg-2", "cancelled", "\n\nIt is"), ("msg-3", "cancelled", "\n\nIt is")]);
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(false, 1)]
    public async Task What_was_asked_together_with_a_message_whose_work_died_is_looked_up_where_there_may_be_some(bool mayHave, int ends)
    {
        foreach (var other in (MergedMessage[])[new(Address, "Hi", DeliveryProperties.None, _clock.GetUtcNow()), Other("msg-2")])
        {
            var message = new ChatMessage("channel", other.Address.MessageId, other.Question, Caller.TrustedProducer);
            await TakeAsync(other.Address, MergeTicket.Of(other.Address, message, DeliveryProperties.None, _clock.GetUtcNow()));
        }

        await _turns.ClaimTogetherAsync(Address, "instance-msg-1", "run-1", MergedMessage.MostText, Cancellation);

        await FailAsync(Failure.Stalled, mayHaveMerged: mayHave);

        _webPubSub.Sent.Count(update => update.FinalMessage).ShouldBe(ends);
    }

    [Fact]
    public async Task Items_of_another_message_are_known_as_such()
    {
        await _history.RecordAsync(Address with { MessageId = "msg-0" }, ["msg_other"], "completed", _clock.GetUtcNow(), [], Cancellation);
        await _history.RecordAsync(Address, ["msg_own"], "error", _clock.GetUtcNow(), [], Cancellation);
        await ShowAsync("It is");

        await FailAsync(Failure.Stalled);

        (await Task.WhenAll(_isAnothers("msg_other"), _isAnothers("msg_own"), _isAnothers("msg_unknown"))).ShouldBe([true, false, false]);
    }

    [Theory]
    [InlineData("conv_1", true, 1)]
    [InlineData("thread_1", true, 0)]
    [InlineData("conv_1", false, 0)]
    public async Task Where_the_work_died_before_it_told_of_its_thread_the_channel_s_is_left_usable(string threadId, bool hasBegun, int times)
    {
        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + "thread:channel", threadId), Cancellation);

        await FailAsync(Failure.Stalled, threadId: null, hasBegun: hasBegun);

        await _assistant.Received(times).AnswerOutstandingCallsAsync(
            threadId, "The request ended before the tool had a result: it may or may not have been carried out.", Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Of_a_thread_that_is_gone_nothing_is_mended()
    {
        await FailAsync(Failure.From(AssistantFailure.ThreadGone, "404"));

        _assistant.ReceivedCalls().ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_an_answer_of_which_nothing_was_seen_nothing_is_shown_at_its_end()
    {
        (await FailAsync(Failure.Cancelled)).ShouldBeFalse();

        _webPubSub.Sent.ShouldHaveSingleItem().Message.ShouldBe("");
    }

    [Fact]
    public async Task The_history_knows_the_messages_that_were_asked_together()
    {
        await FailAsync(Failure.Stalled, merged: [Other("msg-2")]);

        (await _history.KnowsAsync("channel", "msg-2", Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_Redis_that_is_away_for_a_moment_is_asked_again()
    {
        var failures = 1;
        await using var redis = new InterceptedRedis(_redis.Prefix, "return record(KEYS, ARGV)", () => Interlocked.Decrement(ref failures) >= 0 ? throw new TimeoutException("away") : Task.CompletedTask);
        await _updates.TellToolAsync(Address, "conv_1", new("call_1", "get_weather", "running"), Cancellation);
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(5) };

        await FailAsync(Failure.Stalled, log: new UpdateLog(redis, Options.Create(new DeliveryOptions()), clock), clock: clock);

        _webPubSub.Sent.Skip(1).Select(update => (update.Type, update.Tool?.State)).ShouldBe([("tool", "failed"), ("timeout", null)]);
    }

    [Fact]
    public async Task While_Redis_is_away_it_is_not_asked_what_was_seen()
    {
        await ShowAsync("It is");

        await FailAsync(Failure.Redis(new TimeoutException()));

        await DidNotKeepAsync();
        _webPubSub.Sent[^1].FinalMessage.ShouldBeTrue();
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task A_response_that_goes_on_without_anybody_who_listens_is_ended(bool isBackground, int times)
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-test-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "cosmo.md"), $"---\nbackground: {(isBackground ? "true" : "false")}\n---\nYou help.", Cancellation);
        await _memory.RememberResponseAsync(Address, 0, "resp_1", Cancellation);

        await FailAsync(Failure.Stalled, profiles: TestProfiles.In(folder.FullName));

        await _assistant.Received(times).CancelResponseAsync("resp_1", Arg.Any<CancellationToken>());
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_step_that_fails_keeps_no_other_from_being_done()
    {
        _assistant.AnswerOutstandingCallsAsync(Arg.Any<string>(), Arg.Any<string>(), Arg.Any<CancellationToken>()).ThrowsAsync(new AssistantException(AssistantFailure.Other, "Away."));
        await TakeAsync(Address);

        await FailAsync(Failure.Stalled);

        (await _history.KnowsAsync("channel", "msg-1", Cancellation)).ShouldBeTrue();
        (await _turns.FindPlacesAsync("channel", Cancellation)).ShouldBeEmpty();
        (await _memory.FindBodyAsync(Address, Cancellation)).ShouldBe([1], "its dead letter needs it");
    }

    [Theory]
    [InlineData("stalled", "outcome=timeout", ActivityStatusCode.Error)]
    [InlineData("assistant", "outcome=error", ActivityStatusCode.Error)]
    [InlineData("cancelled", "outcome=cancelled", ActivityStatusCode.Unset)]
    public async Task What_fails_is_counted_with_its_cause_and_is_an_error_of_the_span_unless_it_was_cancelled(string cause, string outcome, ActivityStatusCode status)
    {
        var failure = cause switch
        {
            "stalled" => Failure.Stalled,
            "cancelled" => Failure.Cancelled,
            _ => Failure.From(AssistantFailure.Other, "failed"),
        };
        using var measured = new RecordedMeasurements(Telemetry.AnswersFailed, Telemetry.Overall);
        using var span = new Activity("activity").Start();

        await FailAsync(failure, askedAt: _clock.GetUtcNow() - TimeSpan.FromSeconds(20));

        measured.All.ShouldBe([(Telemetry.AnswersFailed, 1, $"cause={cause}"), (Telemetry.Overall, 20, outcome)]);
        (span.Status, span.GetTagItem("error.type")).ShouldBe((status, status == ActivityStatusCode.Error ? cause : null));
    }

    [Fact]
    public async Task An_answer_that_was_told_before_it_could_be_stopped_counts_as_no_failure()
    {
        using var measured = new RecordedMeasurements(Telemetry.AnswersFailed, Telemetry.Overall);
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await FailAsync(Failure.Stalled)).ShouldBeTrue();

        measured.All.ShouldBeEmpty();
        (await _history.KnowsAsync("channel", "msg-1", Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public async Task Where_the_end_could_not_be_recorded_those_that_were_asked_together_have_the_same()
    {
        await using var redis = new InterceptedRedis(_redis.Prefix, "return record(KEYS, ARGV)", () => throw new TimeoutException("away"));

        (await FailAsync(Failure.Stalled, merged: [Other("msg-2")], log: new UpdateLog(redis, Options.Create(new DeliveryOptions()), _clock))).ShouldBeFalse();

        _webPubSub.Sent.Select(update => (update.MessageId, update.Type)).ShouldBe([("msg-1", "timeout"), ("msg-2", "timeout")]);
    }

    [Fact]
    public async Task Where_a_busy_channel_rejects_a_message_that_comes_with_the_last_word_waits_for_the_end_of_the_turn()
    {
        var turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions { WhenBusy = AnsweringOptions.Reject }));
        await TakeAsync(Address);
        var place = default(TurnPlace?);
        _webPubSub.Next.Enqueue(async () => place = (await turns.TakeAsync(Address with { MessageId = "msg-2" }, "Hi", [], "instance-msg-2", 0, null, null, Cancellation)).Place);

        await FailAsync(Failure.Stalled, turns: turns);

        place.ShouldBe(TurnPlace.Waiting);
    }

    [Fact]
    public async Task An_end_that_could_not_be_told_at_all_is_that_of_a_message_that_is_not_answered()
    {
        var updates = Substitute.For<IUpdatePublisher>();
        updates.PublishAsync(Arg.Any<MessageAddress>(), Arg.Any<UpdatePayload>(), Arg.Any<string?>(), Arg.Any<CancellationToken>()).ThrowsAsync(new InvalidOperationException("broken"));

        (await FailAsync(Failure.Stalled, updates: updates)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_worker_that_stops_fails_the_activity_so_that_it_is_tried_elsewhere()
    {
        using var stopping = new CancellationTokenSource();
        _context.CancellationToken.Returns(stopping.Token);
        _webPubSub.Next.Enqueue(stopping.CancelAsync);

        await Should.ThrowAsync<OperationCanceledException>(FailAsync(Failure.Stalled));
    }

    private static MergedMessage Other(string messageId) => new(Address with { MessageId = messageId }, $"Question of {messageId}", DeliveryProperties.None, DateTimeOffset.UnixEpoch);

    /// <summary>Takes a message in, and sends what it begins with.</summary>
    private async Task TakeAsync(MessageAddress address, MergeTicket? ticket = null)
    {
        var taken = await _turns.TakeAsync(address, "Hi", [1], $"instance-{address.MessageId}", 20, null, ticket, Cancellation);
        await (taken.Started is { } started ? _log.SettleAsync(address, started.Payload.Sequence!.Value) : Task.CompletedTask);
    }

    /// <summary>The user sees text of the answer.</summary>
    private Task<bool> ShowAsync(string text) => _updates.PublishAsync(Address, Updates.Text(Address, "conv_1", text), once: null, Cancellation);

    private Task<IReadOnlyDictionary<string, EndedMessage>> ItemsAsync(params string[] ids) => _history.FindAsync("channel", ids, Cancellation);

    private static IEnumerable<string> KeptOf(IReadOnlyDictionary<string, EndedMessage> items) => items.Where(item => item.Value.MessageId == Address.MessageId).Select(item => item.Key);

    private Task<string?> DidNotKeepAsync() => _assistant.DidNotReceive().KeepShownAsync(
        Arg.Any<string>(), Arg.Any<IReadOnlyList<string>>(), Arg.Any<string>(), Arg.Any<Func<string, Task<bool>>>(), Arg.Any<CancellationToken>());

    private Task<bool> FailAsync(
        Failure failure, int round = 0, string? threadId = "conv_1", string? question = "Hi", bool hasBegun = true, bool mayHaveMerged = false, IReadOnlyList<MergedMessage>? merged = null, ProfileCatalog? profiles = null,
        DateTimeOffset? askedAt = null, UpdateLog? log = null, TurnQueue? turns = null, TimeProvider? clock = null, IUpdatePublisher? updates = null) =>
        Failing(log ?? _log, _webPubSub, clock ?? _clock, profiles, turns, updates).RunAsync(
            new FailInput(Address, "instance-msg-1", hasBegun, threadId, failure, askedAt ?? _clock.GetUtcNow(), question, round) { MayHaveMerged = mayHaveMerged, Merged = merged },
            Substitute.For<DurableTaskClient>("test"),
            _context);

    private FailAnswer Failing(UpdateLog log, WebPubSubServiceClient webPubSub, TimeProvider clock, ProfileCatalog? profiles = null, TurnQueue? queue = null, IUpdatePublisher? publisher = null)
    {
        var turns = queue ?? new TurnQueue(_redis.Connection, log, Options.Create(new AnsweringOptions()));
        var updates = publisher ?? new UpdatePublisher(
            log,
            new PublisherConnection(webPubSub, clock, NullLogger<PublisherConnection>.Instance),
            webPubSub,
            new DeltaListeners(_redis.Connection, webPubSub, clock, NullLogger<DeltaListeners>.Instance),
            Options.Create(new DeliveryOptions()),
            clock,
            NullLogger<UpdatePublisher>.Instance);
        return new FailAnswer(
            updates,
            log,
            _assistant,
            new ThreadReader(_redis.Connection),
            profiles ?? TestProfiles.BuiltIn,
            new MessageMemory(_redis.Connection, clock, NullLogger<MessageMemory>.Instance),
            new MessageHistory(_redis.Connection, Options.Create(new ThreadOptions()), clock),
            turns,
            new MergedEnds(turns, updates, NullLogger<MergedEnds>.Instance),
            new TurnRelease(turns, clock, NullLogger<TurnRelease>.Instance),
            clock,
            NullLogger<FailAnswer>.Instance);
    }
}
