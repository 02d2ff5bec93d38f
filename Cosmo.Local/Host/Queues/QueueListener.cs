using Cosmo.Local.Host.Functions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Local.Host.Queues;

/// <summary>
/// Feeds a function from its queue for as long as the host runs: connects, waits until the queue exists,
/// consumes, and begins anew whenever the broker, the connection or the queue goes away.
/// </summary>
internal sealed class QueueListener(
    QueueFunction function, ushort prefetchCount, IFunctionInvoker invoker, ShutdownGrace grace, TimeProvider time, ILogger logger) : IListener
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private readonly string _name = function.Function.Name;

    public async Task RunAsync(CancellationToken stopping)
    {
        // Outlives a connection: a message that comes again over the next one waits for the run that began on the last.
        using var oneAtATime = new SemaphoreSlim(1, 1);
        for (var attempt = 0; !stopping.IsCancellationRequested; attempt++)
        {
            try
            {
                await ConsumeAsync(oneAtATime, () => attempt = 0, stopping);
                Log.ListenerLost(logger, _name, function.Queue);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
            }
            catch (Exception error)
            {
                Log.ListenerWaits(logger, _name, function.Queue, Reason(error));
            }

            await Task.Delay(Backoff(attempt), time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ConsumeAsync(SemaphoreSlim oneAtATime, Action started, CancellationToken stopping)
    {
        await using var connection = await Factory().CreateConnectionAsync($"cosmo {_name}", stopping);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stopping);
        await channel.QueueDeclarePassiveAsync(function.Queue, stopping);
        await channel.BasicQosAsync(0, prefetchCount, global: false, stopping);

        var consumer = new QueueConsumer(function, channel, invoker, grace, oneAtATime, logger);
        var tag = await consumer.StartAsync(stopping);
        started();
        Log.ListenerStarted(logger, _name, function.Queue);

        await consumer.Ended.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await consumer.FinishAsync();
        if (channel.IsOpen)
        {
            await channel.BasicCancelAsync(tag, noWait: true, CancellationToken.None);
        }
    }

    private ConnectionFactory Factory() => new()
    {
        Uri = function.Broker,
        AutomaticRecoveryEnabled = false,
        RequestedConnectionTimeout = ConnectTimeout,
        ContinuationTimeout = ConnectTimeout,
        RequestedHeartbeat = Heartbeat,
        ConsumerDispatchConcurrency = 1,
    };

    /// <summary>Half a second, doubled each time up to eight seconds, give or take a quarter.</summary>
    private static TimeSpan Backoff(int attempt) =>
        TimeSpan.FromSeconds(Math.Min(8, 0.5 * Math.Pow(2, Math.Min(attempt, 10))) * (0.75 + (0.5 * Random.Shared.NextDouble())));

    private static string Reason(Exception error) => error switch
    {
        OperationInterruptedException { ShutdownReason: { } reason } => reason.ReplyText,
        BrokerUnreachableException => "the broker does not answer",
        _ => error.Message,
    };
}
