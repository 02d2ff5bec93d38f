using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Messaging;

public sealed class QueueGaugesTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_lies_in_the_queues_and_who_consumes_is_told_every_fifteen_seconds_also_after_a_broker_that_could_not_say()
    {
        await using var queue = await CosmoQueue.ConnectAsync();
        await using var rabbitMQ = new RabbitMQPublisher(queue.OptionsAt(), TimeProvider.System);
        using var topology = new Topology(rabbitMQ, queue.OptionsAt(), TimeProvider.System, NullLogger<Topology>.Instance);
        await topology.DeclareAsync(Cancellation);
        await queue.SendAsync(new byte[1]);
        await queue.SendAsync(new byte[1]);
        await queue.Channel.BasicPublishAsync("", queue.FailedQueue, mandatory: true, new BasicProperties(), new byte[1], Cancellation);
        var clock = new ManualTimeProvider();
        using var measured = new RecordedMeasurements(Telemetry.QueueMessages, Telemetry.QueueConsumers);
        using var gauges = new QueueGauges(rabbitMQ, queue.OptionsAt(), clock);

        await gauges.StartAsync(Cancellation);
        await Eventually.IsSoAsync(() => measured.All.Count() == 3, () => "Nothing was measured.", Cancellation);
        measured.All.Select(one => (one.Instrument.Name, one.Value, one.Tags)).ShouldBe(
            [("cosmo.queue.messages", 2, "cosmo.queue=messages"), ("cosmo.queue.consumers", 0, ""), ("cosmo.queue.messages", 1, "cosmo.queue=dead_letters")]);

        await queue.Channel.QueueDeleteAsync(queue.Queue, cancellationToken: Cancellation);
        clock.Advance(Interval);
        await rabbitMQ.RunAsync((_, _) => Task.CompletedTask, Cancellation);
        await topology.DeclareAsync(Cancellation);
        await Eventually.IsSoAsync(
            () =>
            {
                clock.Advance(Interval);
                return measured.All.Count() >= 6;
            },
            () => "It was not measured again.",
            Cancellation);
        await gauges.StopAsync(Cancellation);

        measured.All.Skip(3).Take(3).Select(one => one.Value).ShouldBe([0, 0, 1]);
    }
}
