using Cosmo.Functions.Answering;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Answering;

public sealed class StopSignalsTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly StopSignals _here;
    private readonly StopSignals _elsewhere;

    public StopSignalsTests()
    {
        _here = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
        _elsewhere = new StopSignals(_redis.Connection, NullLogger<StopSignals>.Instance);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _here.Dispose();
        _elsewhere.Dispose();
        await _redis.DisposeAsync();
    }

    [Fact]
    public async Task Work_in_another_process_is_stopped()
    {
        using var work = _here.Register("channel", "instance-1", Cancellation);
        await work.Known;
        using var other = _here.Register("channel", "instance-2", Cancellation);
        await other.Known;

        await _elsewhere.StopAsync("channel", "instance-1", Cancellation);

        await StoppedAsync(work);
        work.IsCancelled.ShouldBeFalse();
        other.Token.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public async Task Work_that_begins_after_the_signal_stops_at_once()
    {
        await _elsewhere.StopAsync("channel", "instance-1", Cancellation);

        using var work = _here.Register("channel", "instance-1", Cancellation);
        await work.Known;

        work.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public async Task A_wish_to_cancel_is_told_as_such_and_stays_the_reason()
    {
        using var work = _here.Register("channel", "instance-1", Cancellation);
        await work.Known;

        await _elsewhere.CancelAsync("channel", "instance-1", Cancellation);
        await _elsewhere.StopAsync("channel", "instance-1", Cancellation);
        await StoppedAsync(work);
        using var later = _here.Register("channel", "instance-1", Cancellation);
        await later.Known;

        work.IsCancelled.ShouldBeTrue();
        later.IsCancelled.ShouldBeTrue();
        (await _here.IsCancelledAsync("channel", "instance-1", Cancellation)).ShouldBeTrue();
        (await _here.IsCancelledAsync("other", "instance-1", Cancellation)).ShouldBeFalse();
    }

    private static async Task StoppedAsync(StopSignals.Registration work)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Token.Register(stopped.SetResult);
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }
}
