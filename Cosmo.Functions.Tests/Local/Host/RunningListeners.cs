using Cosmo.Local.Host;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Timers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>The listeners of a host for the functions of a test.</summary>
internal sealed class RunningListeners : IAsyncDisposable
{
    private readonly Listeners _listeners;
    private readonly ShutdownGrace _grace;

    private RunningListeners(Listeners listeners, ShutdownGrace grace, RecordedLogs logs)
    {
        _listeners = listeners;
        _grace = grace;
        Logs = logs;
    }

    public RecordedLogs Logs { get; }

    public static async Task<RunningListeners> StartAsync(
        FunctionDefinition function, IFunctionInvoker invoker, Dictionary<string, string?> settings, TimeProvider? time = null, string? dataFolder = null)
    {
        time ??= TimeProvider.System;
        var logs = new RecordedLogs();
        var factory = new LoggerFactory([logs], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        var grace = new ShutdownGrace(time);
        var index = FunctionIndex.Read([function], new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        var monitor = new TimerMonitor(dataFolder ?? Path.GetTempPath(), factory.CreateLogger("monitor"));
        var listeners = Listeners.Of(index, new HostJson(new ConfigurationBuilder().Build()), invoker, monitor, grace, time, factory);
        await listeners.StartAsync(TestContext.Current.CancellationToken);
        return new RunningListeners(listeners, grace, logs);
    }

    public Task StopAsync() => _listeners.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _listeners.Dispose();
        _grace.Dispose();
    }
}
