using Cosmo.Local.Runtime.Indexing;
using Cosmo.Local.Runtime.Invocation;

namespace Cosmo.Local.Runtime.Timers;

/// <summary>Runs a listener for each function with a timer trigger.</summary>
internal sealed class TimerListeners(
    FunctionIndex index, TimerMonitor monitor, FunctionInvoker invoker, ShutdownGrace grace, TimeProvider time, ILogger<TimerListener> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(index.Timers.Select(function => new TimerListener(function, monitor, invoker, grace, time, logger).RunAsync(stoppingToken)));
}
