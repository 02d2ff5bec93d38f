using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Answering.Turns;

public sealed class CheckTurnTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly FunctionContext _context = Substitute.For<FunctionContext>();
    private readonly TurnQueue _turns;
    private readonly StopSignals _stopSignals;
    private readonly UpdateLog _log;
    private readonly CheckTurn _checkTurn;

    public CheckTurnTests()
    {
        var options = Options.Create(new AnsweringOptions());
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), TimeProvider.System);
        _turns = new TurnQueue(_redis.Connection, _log, options);
        _stopSignals = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _checkTurn = new CheckTurn(_turns, _stopSignals, _log, options, TimeProvider.System, NullLogger<CheckTurn>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _stopSignals.Dispose();
        await _redis.DisposeAsync();
    }

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Terminated, true)]
    [InlineData(OrchestrationRuntimeStatus.Failed, true)]
    [InlineData(OrchestrationRuntimeStatus.Running, false)]
    public async Task An_orchestration_that_ended_without_giving_its_turn_on_does_not_block_the_channel(OrchestrationRuntimeStatus status, bool hasTurn)
    {
        await TakeAsync(1);
        await TakeAsync(2);
        Is("instance-1", status);

        (await CheckAsync(2)).ShouldBe(new TurnResult(hasTurn, null));
    }

    [Fact]
    public async Task The_end_of_a_duplicate_is_not_the_end_of_the_message_that_another_worker_answers()
    {
        await TakeAsync(1);
        await TakeAsync(2);
        Is("instance-1", OrchestrationRuntimeStatus.Completed, new AnswerResult(AnswerResult.Duplicate, null, 0));

        (await CheckAsync(2)).HasTurn.ShouldBeFalse();
    }

    [Fact]
    public async Task One_that_ended_while_it_waited_is_passed_over_when_the_turn_is_given_on()
    {
        await TakeAsync(1);
        await TakeAsync(2);
        await TakeAsync(3);
        Is("instance-2", OrchestrationRuntimeStatus.Terminated);
        Is("instance-3", OrchestrationRuntimeStatus.Running);

        await GiveOnAsync();

        await _client.Received(1).RaiseEventAsync("instance-3", AnswerMessage.TurnGranted, true, Arg.Any<CancellationToken>());
        (await CheckAsync(3)).HasTurn.ShouldBeTrue();
    }

    [Fact]
    public async Task The_body_of_a_message_that_failed_is_kept_for_its_dead_letter_also_where_the_next_has_ended()
    {
        await _turns.TakeAsync(Address(1), "Hello", [1, 2], "instance-1", 20, null, null, Cancellation);
        await TakeAsync(2);
        Is("instance-2", OrchestrationRuntimeStatus.Terminated);

        await GiveOnAsync();

        (await new MessageMemory(_redis.Connection, TimeProvider.System, NullLogger<MessageMemory>.Instance).FindBodyAsync(Address(1), Cancellation)).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task A_turn_that_cannot_be_given_on_fails_nothing_and_a_call_that_is_over_ends()
    {
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await TakeAsync(1);
        await TakeAsync(2);
        Is("instance-2", OrchestrationRuntimeStatus.Running);

        // Redis may have answered before anybody asks whether the call is over; the store, which is away, asks first.
        _client.RaiseEventAsync("instance-2", Arg.Any<string>(), Arg.Any<object?>(), Arg.Any<CancellationToken>()).Returns(call =>
            call.Arg<CancellationToken>() is { IsCancellationRequested: true } cancelled ? Task.FromCanceled(cancelled) : Task.FromException(new IOException("The store is away.")));

        await Should.ThrowAsync<OperationCanceledException>(() => Release.GiveOnAsync(Address(1), "instance-1", isAnswered: false, _client, over.Token));
        await GiveOnAsync();

        await _client.Received(1).RaiseEventAsync("instance-2", AnswerMessage.TurnGranted, true, Cancellation);
    }

    [Fact]
    public async Task An_end_that_cannot_be_announced_fails_nothing_and_a_call_that_is_over_ends()
    {
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await using var away = TestRedis.Nowhere();
        var rejecting = Options.Create(new AnsweringOptions { WhenBusy = AnsweringOptions.Reject });
        var release = new TurnRelease(new TurnQueue(away, _log, rejecting), TimeProvider.System, NullLogger<TurnRelease>.Instance);

        await Should.ThrowAsync<OperationCanceledException>(() => release.AnnounceAsync(Address(1), "instance-1", over.Token));
        await release.AnnounceAsync(Address(1), "instance-1", Cancellation);
    }

    [Fact]
    public async Task Whoever_takes_out_one_that_has_ended_tells_the_next_that_it_is_its_turn()
    {
        await TakeAsync(1);
        await TakeAsync(2);
        await TakeAsync(3);
        Is("instance-1", OrchestrationRuntimeStatus.Terminated);
        Is("instance-2", OrchestrationRuntimeStatus.Running);

        (await CheckAsync(3)).ShouldBe(new TurnResult(false, null));
        (await CheckAsync(2)).ShouldBe(new TurnResult(true, null));

        await _client.Received(1).RaiseEventAsync("instance-2", AnswerMessage.TurnGranted, true, Arg.Any<CancellationToken>());
        await _client.DidNotReceive().RaiseEventAsync("instance-3", Arg.Any<string>(), Arg.Any<object?>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task So_many_that_have_ended_are_taken_out_at_once_and_the_others_by_the_next_look()
    {
        for (var number = 1; number <= 12; number++)
        {
            await TakeAsync(number);
            Is($"instance-{number}", OrchestrationRuntimeStatus.Terminated);
        }

        (await CheckAsync(12)).HasTurn.ShouldBeFalse();
        (await _turns.FindPlacesAsync("channel", Cancellation)).ShouldBe(["instance-11", "instance-12"]);
        (await CheckAsync(12)).HasTurn.ShouldBeTrue();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_Redis_stays_away_there_is_no_turn_and_the_message_fails(bool isSilent)
    {
        await using var redis = new InterceptedRedis(
            _redis.Prefix, "local found = false", () => throw (isSilent ? new TimeoutException("away") : new RedisConnectionException(ConnectionFailureType.UnableToConnect, CommandFlags.None, "away")));
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromMinutes(1) };
        var options = Options.Create(new AnsweringOptions());
        var checkTurn = new CheckTurn(new TurnQueue(redis, _log, options), _stopSignals, _log, options, clock, NullLogger<CheckTurn>.Instance);
        await TakeAsync(1);

        (await CheckAsync(1, checkTurn)).ShouldSatisfyAllConditions(result => result.HasTurn.ShouldBeFalse(), result => result.Failure!.Cause.ShouldBe("redis"));
    }

    [Fact]
    public async Task A_message_that_another_worker_cancelled_has_no_turn()
    {
        await TakeAsync(1);
        await _stopSignals.CancelAsync("channel", "instance-1", Cancellation);

        (await CheckAsync(1)).ShouldBe(new TurnResult(false, Failure.Cancelled));
    }

    [Fact]
    public async Task The_second_orchestration_of_a_message_that_is_over_takes_no_place_again()
    {
        await _turns.ClaimAsync(Address(1), "run-of-another-worker", Cancellation);
        await TakeAsync(2);

        (await CheckAsync(1)).HasTurn.ShouldBeTrue();

        (await _turns.ReleaseAsync(Address(2), "instance-2", isAnswered: false, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_is_over_takes_no_place_again()
    {
        await _log.RecordAsync(Address(1), Updates.Completed(Address(1), "conv_1", "Hello"), once: null, Cancellation);
        await TakeAsync(2);

        (await CheckAsync(1)).HasTurn.ShouldBeTrue();

        (await _turns.ReleaseAsync(Address(2), "instance-2", isAnswered: false, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_ends_while_its_turn_is_looked_for_takes_no_place_again()
    {
        await using var held = new HeldRedis(_redis.Prefix, "local found = false");
        var options = Options.Create(new AnsweringOptions());
        var slow = new CheckTurn(new TurnQueue(held.Connection, _log, options), _stopSignals, _log, options, TimeProvider.System, NullLogger<CheckTurn>.Instance);
        await TakeAsync(1);
        var looking = CheckAsync(1, slow);
        await held.AskedAsync();

        await _log.RecordAsync(Address(1), Updates.Completed(Address(1), "conv_1", "Hello"), once: null, Cancellation);
        await _turns.ReleaseAsync(Address(1), "instance-1", isAnswered: true, Cancellation);
        held.Release();

        (await looking).HasTurn.ShouldBeTrue();
        (await _turns.FindPlacesAsync("channel", Cancellation)).ShouldBeEmpty();
    }

    private static MessageAddress Address(int number) => new("channel", $"msg-{number}", 1);

    private TurnRelease Release => new(_turns, TimeProvider.System, NullLogger<TurnRelease>.Instance);

    /// <summary>The first message has failed.</summary>
    private Task GiveOnAsync() => Release.GiveOnAsync(Address(1), "instance-1", isAnswered: false, _client, Cancellation);

    private void Is(string instanceId, OrchestrationRuntimeStatus status, AnswerResult? output = null) => _client
        .GetInstanceAsync(instanceId, Arg.Any<bool>(), Arg.Any<CancellationToken>())
        .Returns(new OrchestrationMetadata(nameof(AnswerMessage), instanceId)
        {
            RuntimeStatus = status,
            DataConverter = JsonDataConverter.Default,
            SerializedOutput = output is null ? null : JsonDataConverter.Default.Serialize(output),
        });

    private Task<TakenPlace> TakeAsync(int number) => _turns.TakeAsync(Address(number), "Hello", [], $"instance-{number}", 20, null, null, Cancellation);

    private Task<TurnResult> CheckAsync(int number, CheckTurn? checkTurn = null) =>
        (checkTurn ?? _checkTurn).RunAsync(new TurnInput(Address(number), $"instance-{number}", $"run-{number}"), _client, _context);
}
