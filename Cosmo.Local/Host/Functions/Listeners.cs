using Cosmo.Local.Host.Queues;
using Cosmo.Local.Host.Timers;

namespace Cosmo.Local.Host.Functions;

/// <summary>Starts a function by something else than a request.</summary>
internal interface IListener
{
    /// <summary>Runs until <paramref name="stopping"/>, and then until the invocation at work is done.</summary>
    Task RunAsync(CancellationToken stopping);
}

/// <summary>Runs the listeners of the queue and timer functions. One that dies takes the host with it.</summary>
internal sealed class Listeners(IReadOnlyList<IListener> listeners, ShutdownGrace grace) : BackgroundService
{
    public static Listeners Of(
        FunctionIndex index, HostJson hostJson, IFunctionInvoker invoker, TimerMonitor monitor, ShutdownGrace grace, TimeProvider time, ILoggerFactory logs)
    {
        var queueLogger = logs.CreateLogger("Host.Triggers.RabbitMQ");
        var timerLogger = logs.CreateLogger("Host.Triggers.Timer");
        return new Listeners(
            [
                .. index.Queues.Select(function => new QueueListener(function, hostJson.PrefetchCount, invoker, grace, time, queueLogger)),
                .. index.Timers.Select(function => new TimerListener(function, monitor, invoker, grace, time, timerLogger)),
            ],
            grace);
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        grace.Begin();
        return base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var ended in Task.WhenEach(listeners.Select(listener => listener.RunAsync(stoppingToken)).ToList()))
        {
            await ended;
        }

        // Where there are none, this has not ended either.
        await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
