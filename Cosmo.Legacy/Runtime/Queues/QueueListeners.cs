using Cosmo.Local.Runtime.Indexing;
using Cosmo.Local.Runtime.Invocation;

namespace Cosmo.Local.Runtime.Queues;

/// <summary>Runs a listener for each function with a RabbitMQ trigger.</summary>
internal sealed class QueueListeners(
    FunctionIndex index, HostJson hostJson, FunctionInvoker invoker, ShutdownGrace grace, TimeProvider time, ILogger<QueueListener> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(index.Queues.Select(function => new QueueListener(function, hostJson, invoker, grace, time, logger).RunAsync(stoppingToken)));
}
