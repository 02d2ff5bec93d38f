using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Delivery;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering.Merging;

/// <summary>Messages that are asked together with one before them: how each begins and ends.</summary>
public sealed class MergedEndsTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly UpdateLog _log;
    private readonly UpdatePublisher _updates;
    private readonly TurnQueue _turns;
    private readonly MergedEnds _ends;

    public MergedEndsTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _updates = _webPubSub.Publisher(_log, _redis.Connection, _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _ends = new MergedEnds(_turns, _updates, NullLogger<MergedEnds>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Each_begins_once_and_its_orchestration_need_not_wait_also_where_one_cannot_be_told()
    {
        _client.RaiseEventAsync(InstanceOf("msg-2"), Arg.Any<string>(), Arg.Any<object?>(), Arg.Any<CancellationToken>()).ThrowsAsync(new IOException("The store is away."));

        await _ends.BeginAsync([Other("msg-2"), Other("msg-3")], _client, Cancellation);
        await _ends.BeginAsync([Other("msg-2"), Other("msg-3")], _client, Cancellation);

        _webPubSub.Sent.Select(update => (update.MessageId, update.Status, update.Question)).ShouldBe([("msg-2", "started", "Question of msg-2"), ("msg-3", "started", "Question of msg-3")]);
        await _client.Received(2).RaiseEventAsync(InstanceOf("msg-3"), AnswerMessage.TurnGranted, true, Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task A_beginning_that_is_stopped_ends()
    {
        using var over = new CancellationTokenSource();
        _client.RaiseEventAsync(InstanceOf("msg-2"), Arg.Any<string>(), Arg.Any<object?>(), Arg.Any<CancellationToken>()).Returns(async _ =>
        {
            await over.CancelAsync();
            over.Token.ThrowIfCancellationRequested();
        });

        await Should.ThrowAsync<OperationCanceledException>(_ends.BeginAsync([Other("msg-2"), Other("msg-3")], _client, over.Token));
    }

    [Fact]
    public async Task Each_answer_that_is_told_counts_once_and_its_body_is_forgotten()
    {
        using var measured = new RecordedMeasurements(Telemetry.AnswersCompleted);
        await TakeAsync(Other("msg-2").Address);
        var final = Updates.Completed(Address, "conv_1", "It is sunny.");

        await _ends.EndAsync([Other("msg-2"), Other("msg-3")], Address, final, Cancellation);
        await _ends.EndAsync([Other("msg-2"), Other("msg-3")], Address, final, Cancellation);

        measured.All.Count().ShouldBe(2);
        (await Memory.FindBodyAsync(Other("msg-2").Address, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task An_end_that_is_no_answer_counts_as_none_and_keeps_the_body_for_the_dead_letter()
    {
        using var measured = new RecordedMeasurements(Telemetry.AnswersCompleted);
        await TakeAsync(Other("msg-2").Address);

        await _ends.EndAsync([Other("msg-2")], Address, Updates.Error(Address, "conv_1", "sentence", "details"), Cancellation);

        measured.All.ShouldBeEmpty();
        _webPubSub.Sent.ShouldHaveSingleItem().AnsweredBy.ShouldBeNull();
        (await Memory.FindBodyAsync(Other("msg-2").Address, Cancellation)).ShouldBe([1]);
    }

    [Theory]
    [InlineData("error", true)]
    [InlineData("cancelled", false)]
    [InlineData("completed", false)]
    public async Task Those_of_a_message_that_is_over_end_as_it_did_and_are_kept_if_it_failed(string status, bool isKept)
    {
        await _updates.PublishAsync(Address, Final(Address, status), once: null, Cancellation);

        (await EndAsync([Other("msg-2"), Other("msg-3")])).Select(one => (one.Message.Address.MessageId, one.IsKept)).ShouldBe([("msg-2", isKept), ("msg-3", isKept)]);

        _webPubSub.Sent.Skip(1).Select(update => (update.MessageId, update.Status)).ShouldBe([("msg-2", status), ("msg-3", status)]);
    }

    [Theory]
    [InlineData(false, "completed", "msg-1")]
    [InlineData(true, "error", null)]
    public async Task What_an_answer_was_given_without_ends_as_a_failure_and_is_kept(bool isWithoutThem, string status, string? answeredBy)
    {
        await _log.RecordAsync(Address, Updates.Completed(Address, "conv_1", "It is sunny."), once: null, Cancellation);

        var ended = await EndAsync([Other("msg-2")], isWithoutThem);

        _webPubSub.Sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(
            update => update.MessageId.ShouldBe("msg-2"), update => update.Status.ShouldBe(status), update => update.AnsweredBy.ShouldBe(answeredBy));
        ended.ShouldHaveSingleItem().IsKept.ShouldBe(isWithoutThem);
    }

    [Theory]
    [InlineData("cancelled", false)]
    [InlineData("completed", false)]
    [InlineData("error", true)]
    public async Task One_that_had_its_own_end_is_kept_by_that(string status, bool isKept)
    {
        await _updates.PublishAsync(Address, Final(Address, "error"), once: null, Cancellation);
        await _updates.PublishAsync(Other("msg-2").Address, Final(Other("msg-2").Address, status), once: null, Cancellation);

        (await EndAsync([Other("msg-2")])).ShouldHaveSingleItem().IsKept.ShouldBe(isKept);

        _webPubSub.Sent.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Where_the_first_one_s_end_is_not_kept_any_more_they_end_by_why_it_failed()
    {
        (await EndAsync([Other("msg-2")])).ShouldHaveSingleItem().IsKept.ShouldBeTrue();

        var told = _webPubSub.Sent.ShouldHaveSingleItem();
        (told.MessageId, told.Type, told.ThreadId, told.Message).ShouldBe(("msg-2", "timeout", "conv_1", Failure.Stalled.Sentence));
    }

    [Fact]
    public async Task Where_the_first_one_was_cancelled_and_its_end_is_not_kept_any_more_they_end_with_no_text()
    {
        await EndAsync([Other("msg-2")], failure: Failure.Cancelled);

        var told = _webPubSub.Sent.ShouldHaveSingleItem();
        (told.Status, told.Message).ShouldBe(("cancelled", ""));
    }

    [Fact]
    public async Task Which_they_are_is_looked_up_where_the_orchestration_does_not_know()
    {
        foreach (var messageId in (string[])["msg-1", "msg-2"])
        {
            var address = Address with { MessageId = messageId };
            var ticket = MergeTicket.Of(address, new ChatMessage("channel", messageId, "Hi", Caller.Anonymous), DeliveryProperties.None, DateTimeOffset.UnixEpoch);
            await _turns.TakeAsync(address, "Hi", [1], InstanceOf(messageId), 20, null, ticket, Cancellation);
        }

        await _turns.ClaimTogetherAsync(Address, InstanceOf("msg-1"), "run-1", MergedMessage.MostText, Cancellation);

        (await EndAsync(null)).Select(one => one.Message.Address.MessageId).ShouldBe(["msg-2"]);
        (await EndAsync([])).ShouldBeEmpty();
    }

    /// <summary>Takes a message in, with its body.</summary>
    private async Task TakeAsync(MessageAddress address)
    {
        var taken = await _turns.TakeAsync(address, "Hi", [1], InstanceOf(address.MessageId), 20, null, null, Cancellation);
        await _log.SettleAsync(address, taken.Started!.Payload.Sequence!.Value);
    }

    private MessageMemory Memory => new(_redis.Connection, _clock, NullLogger<MessageMemory>.Instance);

    private static string InstanceOf(string messageId) => AnswerStarter.InstanceId(Address with { MessageId = messageId });

    private static MergedMessage Other(string messageId) => new(Address with { MessageId = messageId }, $"Question of {messageId}", DeliveryProperties.None, DateTimeOffset.UnixEpoch);

    private static UpdatePayload Final(MessageAddress address, string status) => status switch
    {
        "completed" => Updates.Completed(address, "conv_1", "It is sunny."),
        "cancelled" => Updates.Cancelled(address, "conv_1", "It is"),
        _ => Updates.Error(address, "conv_1", "sentence", "details"),
    };

    private Task<IReadOnlyList<EndedMerged>> EndAsync(IReadOnlyList<MergedMessage>? merged, bool isWithoutThem = false, Failure? failure = null) => new EndMerged(_turns, _log, _ends).RunAsync(
        new EndMergedInput(Address, "conv_1", failure ?? Failure.Stalled, merged) { IsWithoutThem = isWithoutThem }, Substitute.For<FunctionContext>());
}
