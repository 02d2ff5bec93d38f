using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Answering;

/// <summary>What is erased of a channel's messages, and what is left to those that are under way.</summary>
public sealed class ChannelErasureTests : IAsyncDisposable
{
    private readonly AnswerRoom _room = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task Of_what_is_over_nothing_is_left_and_another_channel_keeps_all()
    {
        var before = await _room.KeysAsync();
        for (var number = 0; number < 40; number++)
        {
            await HaveAsync(new("c1", $"m{number}", 1), number % 2 == 0 ? OrchestrationRuntimeStatus.Completed : null);
        }

        await HaveAsync(new("c2", "m1", 1), null);
        var others = (await _room.KeysAsync()).Where(key => key.Contains("{c2}")).Order().ToList();

        await Erasure.EraseAsync("c1", _room.Client, Cancellation);
        await Erasure.EraseAsync("c1", _room.Client, Cancellation);

        (await _room.KeysAsync()).Where(key => key.Contains("{c1}")).ShouldBeEmpty();
        (await _room.KeysAsync()).Where(key => key.Contains("{c2}")).Order().ShouldBe(others);
        (await Ledger.ReadAsync(1, null, 100, Cancellation)).Feedback.ShouldHaveSingleItem().Channel.ShouldBe("c2");
        (await new MessageDirectory(_room.Redis).FindAsync("m2", Cancellation)).ShouldBeNull();
        (await new MessageDirectory(_room.Redis).FindAsync("m1", Cancellation)).ShouldBe(new MessageAddress("c2", "m1", 1));
        before.ShouldBeEmpty();
        await _room.Client.Received(20).PurgeInstanceAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
        await _room.Client.Received(1).PurgeInstanceAsync(AnswerStarter.InstanceId(new("c1", "m38", 1)), Arg.Any<CancellationToken>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_under_way_here_or_at_another_worker_keeps_what_it_needs_with_the_channels_updates(bool isHere)
    {
        var (over, busy) = (new MessageAddress("c1", "m1", 1), new MessageAddress("c1", "m2", 1));
        await HaveAsync(over, OrchestrationRuntimeStatus.Completed);
        await HaveAsync(busy, isHere ? OrchestrationRuntimeStatus.Running : null, isPlaceGivenBack: isHere);

        await Erasure.EraseAsync("c1", _room.Client, Cancellation);

        await _room.Client.Received(1).PurgeInstanceAsync(AnswerStarter.InstanceId(over), Arg.Any<CancellationToken>());
        await _room.Client.Received(1).PurgeInstanceAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
        (await Erasure.FindAsync("c1", Cancellation)).ShouldBe([busy]);
        (await _room.KeysAsync()).ShouldContain(key => key.EndsWith("1:m2") && key.Contains("approval"));
        (await _room.KeysAsync()).ShouldNotContain(key => key.EndsWith("1:m1"));
        (await _room.LogOn(_room.Redis).ReadAsync("c1", 0, Cancellation)).ShouldNotBeEmpty();
        (await _room.HistoryOn(_room.Redis).KnowsAsync("c1", "m1", Cancellation)).ShouldBeFalse();
        (await new MessageDirectory(_room.Redis).FindAsync("m2", Cancellation)).ShouldBe(busy);
    }

    [Fact]
    public async Task An_attempt_that_is_over_shares_what_is_known_of_its_message_with_one_that_is_under_way()
    {
        var first = new MessageAddress("c1", "m1", 1);
        await HaveAsync(first, OrchestrationRuntimeStatus.Completed);
        await HaveAsync(first with { Attempt = 2 }, OrchestrationRuntimeStatus.Running);

        await Erasure.EraseAsync("c1", _room.Client, Cancellation);

        await _room.Client.Received(1).PurgeInstanceAsync(AnswerStarter.InstanceId(first), Arg.Any<CancellationToken>());
        (await _room.TurnsOn(_room.Redis).FindAttemptAsync("c1", "m1", Cancellation)).ShouldBe(2);
        (await Erasure.FindAsync("c1", Cancellation)).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Running, 1)]
    [InlineData(OrchestrationRuntimeStatus.Completed, 0)]
    public async Task What_is_asked_together_with_another_is_under_way_as_long_as_that_one(OrchestrationRuntimeStatus leading, int kept)
    {
        var (leader, merged) = (new MessageAddress("c1", "m1", 1), new MessageAddress("c1", "m2", 1));
        await _room.MergeAsync(leader, merged);
        _room.Know(leader, leading);
        _room.Know(merged, OrchestrationRuntimeStatus.Completed);

        await Erasure.EraseAsync("c1", _room.Client, Cancellation);

        (await Erasure.FindAsync("c1", Cancellation)).Count.ShouldBe(kept * 2);
        await _room.Client.Received(1 - kept).PurgeInstanceAsync(AnswerStarter.InstanceId(merged), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task What_is_under_way_is_cancelled_and_waited_for_where_it_is_here()
    {
        var (over, here, elsewhere) = (new MessageAddress("c1", "m1", 1), new MessageAddress("c1", "m2", 1), new MessageAddress("c1", "m3", 1));
        await HaveAsync(over, OrchestrationRuntimeStatus.Completed);
        await HaveAsync(here, OrchestrationRuntimeStatus.Running);
        await HaveAsync(elsewhere, null, isPlaceGivenBack: false);
        var ended = new TaskCompletionSource<OrchestrationMetadata>();
        _room.Client.WaitForInstanceCompletionAsync(AnswerStarter.InstanceId(here), Arg.Any<CancellationToken>()).Returns(ended.Task);

        var cancelling = Erasure.CancelAsync("c1", _room.Client, Cancellation);

        await Eventually.IsSoAsync(() => _room.Client.ReceivedCalls().Any(call => call.GetMethodInfo().Name == nameof(DurableTaskClient.WaitForInstanceCompletionAsync)), () => "Nothing is waited for.", Cancellation);
        cancelling.IsCompleted.ShouldBeFalse();
        ended.SetResult(new OrchestrationMetadata(nameof(AnswerMessage), "x"));
        await cancelling;
        await _room.Client.Received(1).WaitForInstanceCompletionAsync(Arg.Any<string>(), Arg.Any<CancellationToken>());
        using var signals = AnswerRoom.SignalsOn(_room.Redis);
        foreach (var (address, isCancelled) in ((MessageAddress, bool)[])[(over, false), (here, true), (elsewhere, true)])
        {
            (await signals.IsCancelledAsync("c1", AnswerStarter.InstanceId(address), Cancellation)).ShouldBe(isCancelled);
        }
    }

    [Fact]
    public async Task What_does_not_end_is_waited_for_ten_seconds()
    {
        var here = new MessageAddress("c1", "m1", 1);
        await HaveAsync(here, OrchestrationRuntimeStatus.Running);
        _room.Client.WaitForInstanceCompletionAsync(AnswerStarter.InstanceId(here), Arg.Any<CancellationToken>()).Returns(async call =>
        {
            await Task.Delay(Timeout.Infinite, call.Arg<CancellationToken>());
            return new OrchestrationMetadata(nameof(AnswerMessage), "x");
        });

        var cancelling = Erasure.CancelAsync("c1", _room.Client, Cancellation);
        await _room.Time.TimerSetForAsync(TimeSpan.FromSeconds(10));
        _room.Time.Advance(TimeSpan.FromSeconds(10));
        await cancelling;

        using var given = new CancellationTokenSource();
        var stopped = Erasure.CancelAsync("c1", _room.Client, given.Token);
        await given.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(stopped);
    }

    [Fact]
    public async Task A_store_that_is_away_is_said()
    {
        var here = new MessageAddress("c1", "m1", 1);
        await HaveAsync(here, OrchestrationRuntimeStatus.Running);
        _room.Client.WaitForInstanceCompletionAsync(AnswerStarter.InstanceId(here), Arg.Any<CancellationToken>()).ThrowsAsync(new RpcException(new Status(StatusCode.Unavailable, "")));

        await Should.ThrowAsync<RpcException>(Erasure.CancelAsync("c1", _room.Client, Cancellation));
    }

    private FeedbackLedger Ledger => new(_room.Redis, _room.Time);

    private ChannelErasure Erasure => new(
        _room.Redis, _room.TurnsOn(_room.Redis), _room.LogOn(_room.Redis), AnswerRoom.SignalsOn(_room.Redis), _room.CancellationOn(_room.Redis), new MessageDirectory(_room.Redis),
        _room.HistoryOn(_room.Redis), Ledger, _room.Time);

    /// <summary>A message of which all is kept that may be.</summary>
    /// <param name="address">The message.</param>
    /// <param name="status">What the Durable store knows; null for nothing.</param>
    /// <param name="isPlaceGivenBack">It has had its turn.</param>
    private async Task HaveAsync(MessageAddress address, OrchestrationRuntimeStatus? status, bool isPlaceGivenBack = true)
    {
        var instanceId = await _room.TakeAsync(address);
        var log = _room.LogOn(_room.Redis);
        await new MessageDirectory(_room.Redis).RememberAsync(address, Cancellation);
        await new ApprovalDesk(_room.Redis, _room.TurnsOn(_room.Redis), log, NullLogger<ApprovalDesk>.Instance).OpenAsync(address, "call_1", Cancellation);
        await new RunAliases(_room.Redis, _room.Time).RememberCallAsync(address.Channel, "call_1", address.MessageId, Cancellation);
        await new MessageMemory(_room.Redis, _room.Time, NullLogger<MessageMemory>.Instance).RememberSoFarAsync(address, 0, new("Hello", null), Cancellation);
        await log.RecordAsync(address, Updates.Text(address, "conv_1", "Hello"), null, Cancellation);
        await _room.HistoryOn(_room.Redis).RecordAsync(address, [], "completed", _room.Time.GetUtcNow(), [], Cancellation);
        await Ledger.GiveAsync(new(address.Channel, address.MessageId, "up", null, _room.Time.GetUtcNow(), null), Cancellation);
        if (isPlaceGivenBack)
        {
            await _room.TurnsOn(_room.Redis).ReleaseAsync(address, instanceId, isAnswered: false, Cancellation);
        }

        if (status is { } known)
        {
            _room.Know(address, known);
        }
    }
}
