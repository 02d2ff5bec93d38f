using Cosmo.Local.Host.Functions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Local.Host.Queues;

/// <summary>
/// Feeds a function from its queue for as long as the host runs: connects, waits until the queue exists, consumes, and begins anew whenever the connection is
/// lost. It heals no more than the official listener: one that the broker drops while the connection stands (its queue was deleted, its channel was closed)
/// takes nothing any more until the host is started again.
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
                if (await ConsumeAsync(oneAtATime, () => attempt = 0, stopping))
                {
                    Log.ListenerLost(logger, _name, function.Queue);
                }
                else
                {
                    Log.ListenerDropped(logger, _name, function.Queue);
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, stopping);
                }
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

    /// <returns>Whether the subscription may begin anew.</returns>
    private async Task<bool> ConsumeAsync(SemaphoreSlim oneAtATime, Action started, CancellationToken stopping)
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
        if (connection.IsOpen && (consumer.IsCancelled || !channel.IsOpen))
        {
            return false;
        }

        if (channel.IsOpen)
        {
            await channel.BasicCancelAsync(tag, noWait: true, CancellationToken.None);
        }

        return true;
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
