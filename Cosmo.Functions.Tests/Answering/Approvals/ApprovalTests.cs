using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Delivery;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering.Approvals;

/// <summary>A call of a tool that waits for a person: how it is asked about, decided on and ended.</summary>
public sealed class ApprovalTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);
    private static readonly string InstanceId = AnswerStarter.InstanceId(Address);
    private static readonly ToolCall Call = new("call_1", "get_user_role", """{"email":"ana@example.com"}""");
    private static readonly ApprovalDecision Yes = new(true, null, "backend:ana");
    private static readonly ApprovalDecision No = new(false, "No.", "backend:bob");

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly UpdateLog _log;
    private readonly UpdatePublisher _updates;
    private readonly TurnQueue _turns;
    private readonly ApprovalDesk _desk;

    public ApprovalTests()
    {
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
        _updates = _webPubSub.Publisher(_log, _redis.Connection, _clock);
        _turns = new TurnQueue(_redis.Connection, _log, Options.Create(new AnsweringOptions()));
        _desk = new ApprovalDesk(_redis.Connection, _turns, _log, NullLogger<ApprovalDesk>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_person_is_asked_once_and_shown_what_is_to_be_decided_on_and_until_when()
    {
        await AskAsync();
        await AskAsync();

        _webPubSub.Sent.ShouldHaveSingleItem().Tool!.ShouldSatisfyAllConditions(
            call => (call.CallId, call.Name, call.State, call.ExpiresAt).ShouldBe(("call_1", "get_user_role", "awaiting_approval", _clock.GetUtcNow().AddMinutes(10))),
            call => call.Arguments!.Value.GetRawText().ShouldBe(Call.Arguments));
    }

    [Fact]
    public async Task The_channel_s_turn_is_kept_from_look_to_look_while_a_person_is_waited_for()
    {
        await TakeAsync();
        (await TurnLeftAsync()).ShouldBeLessThan(ApprovalWait.Round);

        await AskAsync();
        (await TurnLeftAsync()).ShouldBeGreaterThan(ApprovalWait.Round);
        await EndAsync();
        (await TurnLeftAsync()).ShouldBeLessThan(ApprovalWait.Round);
        await CheckAsync();
        (await TurnLeftAsync()).ShouldBeGreaterThan(ApprovalWait.Round);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_first_decision_counts_and_is_found_whatever_became_of_its_event(bool approved)
    {
        var decision = approved ? Yes : No;
        await TakeAsync();
        await AskAsync();
        (await CheckAsync()).ShouldBeNull();

        (await DecideAsync(decision)).ShouldBe(ApprovalOutcome.Taken);
        (await DecideAsync(approved ? No : Yes)).ShouldBe(ApprovalOutcome.Over);

        (await CheckAsync()).ShouldBe(decision);
        (await EndAsync()).ShouldBe(decision);
        _webPubSub.Sent.Skip(1).Select(update => (update.Tool!.CallId, update.Tool.State)).ShouldBe(approved ? [] : [("call_1", "refused")]);
    }

    [Fact]
    public async Task A_call_that_nobody_decided_on_is_refused_and_a_decision_that_comes_then_is_too_late()
    {
        Is(OrchestrationRuntimeStatus.Running);
        await TakeAsync();
        await AskAsync();

        (await EndAsync()).ShouldBeNull();

        _webPubSub.Sent[^1].Tool.ShouldBe(new ToolCallUpdate("call_1", "get_user_role", "refused"));
        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Over);
        (await EndAsync()).ShouldBeNull();
        Events().ShouldBe(0);
    }

    [Fact]
    public async Task Where_Redis_has_lost_the_decision_that_of_the_event_counts()
    {
        (await EndAsync(Yes)).ShouldBe(Yes);

        _webPubSub.Sent.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_kept_of_a_call_counts_more_than_its_event()
    {
        await TakeAsync();
        await AskAsync();
        await DecideAsync(No);

        (await EndAsync(Yes)).ShouldBe(No);
    }

    [Fact]
    public async Task A_call_that_is_not_known_cannot_be_decided_on()
    {
        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Unknown);

        await TakeAsync();
        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Unknown);
        (await CheckAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task The_orchestration_hears_of_the_first_decision_with_each_that_comes()
    {
        Is(OrchestrationRuntimeStatus.Running);
        await TakeAsync();
        await AskAsync();

        await DecideAsync(Yes);
        await DecideAsync(No);

        await _client.Received(2).RaiseEventAsync(InstanceId, "Approval:call_1", Yes, Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Completed)]
    [InlineData(null)]
    public async Task An_orchestration_that_has_ended_or_is_not_known_hears_of_nothing(OrchestrationRuntimeStatus? status)
    {
        if (status is { } known)
        {
            Is(known);
        }

        await TakeAsync();
        await AskAsync();

        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Taken);

        Events().ShouldBe(0);
    }

    [Fact]
    public async Task A_decision_counts_although_the_store_is_away_and_a_call_that_is_over_ends()
    {
        using var over = new CancellationTokenSource();
        _client.GetInstanceAsync(InstanceId, Arg.Any<CancellationToken>()).ThrowsAsync(new IOException("The store is away."));
        await TakeAsync();
        await AskAsync();

        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Taken);

        _client.GetInstanceAsync(InstanceId, Arg.Any<CancellationToken>()).Returns<OrchestrationMetadata?>(_ =>
        {
            over.Cancel();
            throw new OperationCanceledException();
        });
        await Should.ThrowAsync<OperationCanceledException>(DecideAsync(Yes, over.Token));
    }

    [Fact]
    public async Task A_message_that_is_over_takes_no_decision_and_its_orchestration_hears_of_none()
    {
        Is(OrchestrationRuntimeStatus.Running);
        await TakeAsync();
        await AskAsync();
        await _log.RecordAsync(Address, Updates.Cancelled(Address, "conv_1", ""), null, Cancellation);

        (await DecideAsync(Yes)).ShouldBe(ApprovalOutcome.Over);

        (await CheckAsync()).ShouldBeNull();
        Events().ShouldBe(0);
    }

    [Fact]
    public async Task What_is_decided_on_is_kept_for_two_days()
    {
        await AskAsync();

        var left = await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync($"{_redis.Prefix}approval:{{channel}}:1:msg-1"), Cancellation);

        left!.Value.ShouldBeInRange(TimeSpan.FromHours(47), TimeSpan.FromHours(48));
    }

    private ApprovalInput Input(ApprovalDecision? decision = null) => new(Address, InstanceId, "conv_1", Call, _clock.GetUtcNow().AddMinutes(10), decision);

    private Task AskAsync() => new AskApproval(_desk, _turns, _updates).RunAsync(Input(), _context);

    private Task<ApprovalDecision?> CheckAsync() => new CheckApproval(_desk, _turns).RunAsync(Input(), _context);

    private Task<ApprovalDecision?> EndAsync(ApprovalDecision? heard = null) => new EndApproval(_desk, _turns, _updates).RunAsync(Input(heard), _context);

    private Task<ApprovalOutcome> DecideAsync(ApprovalDecision decision, CancellationToken? cancellation = null) =>
        _desk.DecideAsync("channel", "msg-1", "call_1", decision, _client, cancellation ?? Cancellation);

    private int Events() => _client.ReceivedCalls().Count(call => call.GetMethodInfo().Name == nameof(DurableTaskClient.RaiseEventAsync));

    private void Is(OrchestrationRuntimeStatus status) => _client.GetInstanceAsync(InstanceId, Arg.Any<CancellationToken>())
        .Returns(new OrchestrationMetadata(nameof(AnswerMessage), InstanceId) { RuntimeStatus = status });

    /// <summary>Takes the message in, which has the turn then.</summary>
    private async Task TakeAsync()
    {
        var taken = await _turns.TakeAsync(Address, "Hi", [1], InstanceId, 20, null, null, Cancellation);
        await _log.SettleAsync(Address, taken.Started!.Payload.Sequence!.Value);
    }

    private async Task<TimeSpan> TurnLeftAsync() =>
        (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(RedisKeys.ForChannel(_redis.Prefix, "turn", "channel")), Cancellation))!.Value;
}
