using System.Diagnostics;
using Cosmo.Functions.Administration;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc.Infrastructure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Cosmo.Functions.Tests.Administration;

public sealed class ConsumerWatchTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private CosmoQueue _queue = null!;

    public async ValueTask InitializeAsync() => _queue = await CosmoQueue.ConnectAsync();

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _limit.Dispose();
    }

    [Fact]
    public async Task A_queue_that_nobody_consumes_from_for_a_minute_is_lost_until_somebody_does()
    {
        await using var cosmo = await StartAsync();
        await AdvanceAsync(ConsumerWatch.Patience);
        cosmo.Watch.HasLostQueue.ShouldBeFalse();

        await AdvanceAsync(ConsumerWatch.Interval);
        cosmo.Watch.HasLostQueue.ShouldBeTrue();

        await _queue.Channel.BasicConsumeAsync(_queue.Queue, autoAck: false, new AsyncEventingBasicConsumer(_queue.Channel), _limit.Token);
        await AdvanceAsync(ConsumerWatch.Interval);
        cosmo.Watch.HasLostQueue.ShouldBeFalse();
    }

    [Fact]
    public async Task A_ping_fails_once_the_queue_is_lost_and_so_does_its_span()
    {
        await using var cosmo = await StartAsync();
        var functions = new HealthFunctions(null!, cosmo.Topology, cosmo.Watch, NullLogger<HealthFunctions>.Instance);
        using var span = new Activity("ping").Start();

        ((IStatusCodeActionResult)functions.GetLiveness(null!)).StatusCode.ShouldBe(200);
        span.Status.ShouldBe(ActivityStatusCode.Unset);

        await AdvanceAsync(ConsumerWatch.Interval + ConsumerWatch.Patience);
        ((IStatusCodeActionResult)functions.GetLiveness(null!)).StatusCode.ShouldBe(503);
        span.Status.ShouldBe(ActivityStatusCode.Error);
        span.GetTagItem("error.type").ShouldBe("no_consumer");
    }

    [Fact]
    public async Task A_queue_that_is_gone_has_no_consumer()
    {
        await using var cosmo = await StartAsync();
        await _queue.Channel.QueueDeleteAsync(_queue.Queue, cancellationToken: _limit.Token);

        await AdvanceAsync(ConsumerWatch.Interval + ConsumerWatch.Patience);

        cosmo.Watch.HasLostQueue.ShouldBeTrue();
    }

    [Fact]
    public async Task A_broker_that_is_away_is_no_reason_to_start_anew()
    {
        await using var cosmo = await StartAsync(url: "amqp://127.0.0.1:1", declare: false);

        await AdvanceAsync(3 * ConsumerWatch.Patience);

        cosmo.Watch.HasLostQueue.ShouldBeFalse();
    }

    [Fact]
    public async Task An_app_whose_trigger_is_switched_off_is_well_without()
    {
        await using var cosmo = await StartAsync(new() { ["AzureWebJobs.ReceiveMessage.Disabled"] = "true" });

        await cosmo.Watch.ExecuteTask!.WaitAsync(_limit.Token);

        cosmo.Watch.HasLostQueue.ShouldBeFalse();
    }

    /// <summary>Lets the time pass from look to look, each of which has come to its end.</summary>
    private async Task AdvanceAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += ConsumerWatch.Interval)
        {
            await _clock.TimerSetForAsync(ConsumerWatch.Interval).WaitAsync(_limit.Token);
            _clock.Advance(ConsumerWatch.Interval);
            await _clock.TimerSetForAsync(ConsumerWatch.Interval).WaitAsync(_limit.Token);
        }
    }

    private async Task<Watched> StartAsync(Dictionary<string, string?>? settings = null, string? url = null, bool declare = true)
    {
        var options = _queue.OptionsAt(url);
        var rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        var topology = new Topology(rabbitMQ, options, _clock, NullLogger<Topology>.Instance);
        if (declare)
        {
            await topology.DeclareAsync(_limit.Token);
        }

        var watch = new ConsumerWatch(topology, new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), _clock);
        await watch.StartAsync(_limit.Token);
        return new Watched(watch, topology, rabbitMQ);
    }

    private sealed record Watched(ConsumerWatch Watch, Topology Topology, RabbitMQPublisher RabbitMQ) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Watch.StopAsync(CancellationToken.None);
            Watch.Dispose();
            Topology.Dispose();
            await RabbitMQ.DisposeAsync();
        }
    }
}
