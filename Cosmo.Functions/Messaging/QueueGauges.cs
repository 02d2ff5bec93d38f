using Cosmo.Functions.Hosting.Observability;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Messaging;

/// <summary>Asks the broker from time to time what lies in the queues, as long as somebody wants to know. Each instance of the app says the same: take the highest, not the sum.</summary>
internal sealed class QueueGauges(RabbitMQPublisher rabbitMQ, IOptions<MessagingOptions> options, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            if (Telemetry.QueueMessages.Enabled)
            {
                await AskAsync(stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            await rabbitMQ.RunAsync(
                async (channel, token) =>
                {
                    var queue = await channel.QueueDeclarePassiveAsync(options.Value.Queue, token);
                    Telemetry.QueueMessages.Record(queue.MessageCount, new KeyValuePair<string, object?>("cosmo.queue", "messages"));
                    Telemetry.QueueConsumers.Record(queue.ConsumerCount);
                    var failed = await channel.MessageCountAsync(options.Value.FailedQueue, token);
                    Telemetry.QueueMessages.Record(failed, new KeyValuePair<string, object?>("cosmo.queue", "dead_letters"));
                },
                cancellationToken);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The health check says so. The gauges stay as they were.
        }
    }
}
