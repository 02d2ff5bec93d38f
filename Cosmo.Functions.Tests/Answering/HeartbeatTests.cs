using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;

namespace Cosmo.Functions.Tests.Answering;

public sealed class HeartbeatTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly System.Threading.Channels.Channel<DateTimeOffset> _told = System.Threading.Channels.Channel.CreateUnbounded<DateTimeOffset>();

    public HeartbeatTests() => _client
        .RaiseEventAsync("instance", AnswerMessage.ModelProgress, Arg.Any<object?>(), Arg.Any<CancellationToken>())
        .Returns(call =>
        {
            _told.Writer.TryWrite(call.ArgAt<DateTimeOffset>(2));
            return Task.CompletedTask;
        });

    [Fact]
    public async Task However_many_events_come_the_orchestration_is_told_of_the_first_and_then_every_15_seconds()
    {
        await using var heartbeat = Begin(isFirstRound: true);
        heartbeat.Beat();
        (await NextAsync()).ShouldBe(_clock.GetUtcNow());
        await _clock.TimersSetAsync();

        for (var token = 0; token < 1499; token++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(10));
            heartbeat.Beat();
        }

        var last = _clock.GetUtcNow();
        _told.Reader.TryRead(out _).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromMilliseconds(10));

        (await NextAsync()).ShouldBe(last);
        _told.Reader.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_model_that_is_silent_is_not_told_of()
    {
        await using var heartbeat = Begin(isFirstRound: true);
        heartbeat.Beat();
        await NextAsync();
        await _clock.TimersSetAsync();

        _clock.Advance(TimeSpan.FromSeconds(60));
        heartbeat.Beat();
        _clock.Advance(TimeSpan.FromSeconds(15));

        (await NextAsync()).ShouldBe(_clock.GetUtcNow() - TimeSpan.FromSeconds(15));
        _told.Reader.TryRead(out _).ShouldBeFalse();
    }

    private Heartbeat Begin(bool isFirstRound) => new(_client, "instance", isFirstRound, _clock, NullLogger.Instance);

    private async Task<DateTimeOffset> NextAsync() =>
        await _told.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
}
