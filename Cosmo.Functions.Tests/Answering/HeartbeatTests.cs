using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Activities;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using NSubstitute;
using NSubstitute.Core;

namespace Cosmo.Functions.Tests.Answering;

public sealed class HeartbeatTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly DurableTaskClient _client = Substitute.For<DurableTaskClient>("test");
    private readonly System.Threading.Channels.Channel<DateTimeOffset> _told = System.Threading.Channels.Channel.CreateUnbounded<DateTimeOffset>();

    public HeartbeatTests() => _client
        .RaiseEventAsync("instance", AnswerMessage.ModelProgress, Arg.Any<object?>(), Arg.Any<CancellationToken>())
        .Returns(Told);

    [Fact]
    public async Task However_many_events_come_the_orchestration_is_told_soon_and_then_every_15_seconds()
    {
        await using var heartbeat = await BeginAsync();

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
        await using var heartbeat = await BeginAsync();

        _clock.Advance(TimeSpan.FromSeconds(60));
        heartbeat.Beat();
        _clock.Advance(TimeSpan.FromSeconds(15));

        (await NextAsync()).ShouldBe(_clock.GetUtcNow() - TimeSpan.FromSeconds(15));
        _told.Reader.TryRead(out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData(300, 5)]
    [InlineData(30, 3)]
    [InlineData(0, 0)]
    [InlineData(-60, 0)]
    public async Task The_first_event_is_kept_back_for_a_moment_and_always_heard_of_in_time(int secondsLeft, int delay)
    {
        await using var heartbeat = new Heartbeat(_client, "instance", _clock.GetUtcNow().AddSeconds(secondsLeft), _clock, NullLogger.Instance);
        var first = _clock.GetUtcNow();
        heartbeat.Beat();
        if (delay > 0)
        {
            await _clock.TimerSetForAsync(TimeSpan.FromSeconds(delay));
            _clock.Advance(TimeSpan.FromSeconds(delay - 1));
            _told.Reader.TryRead(out _).ShouldBeFalse();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        (await NextAsync()).ShouldBe(first);
    }

    [Fact]
    public async Task An_answer_that_is_over_soon_tells_nothing()
    {
        var heartbeat = new Heartbeat(_client, "instance", _clock.GetUtcNow().AddSeconds(60), _clock, NullLogger.Instance);
        heartbeat.Beat();
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromSeconds(4));

        await heartbeat.DisposeAsync();

        _client.ReceivedCalls().ShouldBeEmpty();
    }

    [Fact]
    public async Task What_could_not_be_told_is_told_the_next_time_also_when_nothing_came_since()
    {
        await using var heartbeat = await BeginAsync();
        _client.RaiseEventAsync("instance", AnswerMessage.ModelProgress, Arg.Any<object?>(), Arg.Any<CancellationToken>()).Returns(
            _ => throw new IOException("The store is away."), Told);
        heartbeat.Beat();
        var last = _clock.GetUtcNow();

        _clock.Advance(TimeSpan.FromSeconds(15));
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(15));
        _told.Reader.TryRead(out _).ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(15));

        (await NextAsync()).ShouldBe(last);
    }

    [Fact]
    public async Task Its_end_waits_for_what_is_being_told()
    {
        var (begun, over) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource());
        var heartbeat = await BeginAsync();
        _client.RaiseEventAsync("instance", AnswerMessage.ModelProgress, Arg.Any<object?>(), Arg.Any<CancellationToken>()).Returns(_ =>
        {
            begun.TrySetResult();
            return over.Task;
        });
        heartbeat.Beat();
        _clock.Advance(TimeSpan.FromSeconds(15));
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        var ending = heartbeat.DisposeAsync().AsTask();
        ending.IsCompleted.ShouldBeFalse();
        over.SetResult();

        await ending.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    /// <summary>One whose first event has been told of.</summary>
    private async Task<Heartbeat> BeginAsync()
    {
        var heartbeat = new Heartbeat(_client, "instance", _clock.GetUtcNow().AddSeconds(60), _clock, NullLogger.Instance);
        heartbeat.Beat();
        await _clock.TimersSetAsync();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await NextAsync();
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(15));
        return heartbeat;
    }

    private Task Told(CallInfo call)
    {
        _told.Writer.TryWrite(call.ArgAt<DateTimeOffset>(2));
        return Task.CompletedTask;
    }

    private async Task<DateTimeOffset> NextAsync() =>
        await _told.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
}
