using Cosmo.Functions.Answering;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

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

    [Fact]
    public async Task The_reason_is_kept_where_other_versions_look_for_it()
    {
        await _here.CancelAsync("channel", "instance-1", Cancellation);

        ((string?)await _redis.Connection.RunAsync(database => database.StringGetAsync($"{_redis.Prefix}stop:{{channel}}:instance-1"), Cancellation)).ShouldBe("cancelled");
    }

    [Fact]
    public async Task Without_Redis_work_of_this_process_is_stopped_all_the_same_and_work_that_begins_goes_on()
    {
        await using var nowhere = TestRedis.Nowhere();
        using var signals = new StopSignals(nowhere, NullLogger<StopSignals>.Instance);
        using var work = signals.Register("channel", "instance-1", Cancellation);
        using var other = signals.Register("channel", "instance-2", Cancellation);
        await Task.WhenAll(work.Known, other.Known);
        work.Token.IsCancellationRequested.ShouldBeFalse();

        await signals.StopAsync("channel", "instance-1", Cancellation);

        (work.Token.IsCancellationRequested, work.IsCancelled, other.Token.IsCancellationRequested).ShouldBe((true, false, false));
        (await Record.ExceptionAsync(() => signals.CancelAsync("channel", "instance-1", Cancellation))).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_process_subscribes_once_and_again_where_that_failed()
    {
        await using var redis = new FailingAtFirst(_redis.Prefix);
        using var signals = new StopSignals(redis, NullLogger<StopSignals>.Instance);

        foreach (var number in Enumerable.Range(1, 4))
        {
            using var work = signals.Register("channel", $"instance-{number}", Cancellation);
            await work.Known.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        }

        redis.Subscriptions.ShouldBe(2);
    }

    private sealed class FailingAtFirst(string prefix) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        public int Subscriptions { get; private set; }

        public override Task SubscribeAsync(string channel, Action<string> handler, CancellationToken cancellationToken) =>
            ++Subscriptions == 1 ? throw new RedisException("away") : base.SubscribeAsync(channel, handler, cancellationToken);
    }

    private static async Task StoppedAsync(StopSignals.Registration work)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Token.Register(stopped.SetResult);
        await stopped.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }
}
