using System.Collections.Concurrent;
using System.Text;
using Cosmo.Local.Host.Timers;

namespace Cosmo.Local.Host.Functions;

/// <summary>Runs a timer or queue function because an operator asks for it, besides what its listener does.</summary>
internal sealed class ManualRuns(FunctionIndex index, IFunctionInvoker invoker, TimerMonitor monitor, ShutdownGrace grace, TimeProvider time, ILogger logger)
{
    private static readonly Dictionary<string, string> NoMetadata = [];

    private readonly ConcurrentDictionary<Task, bool> _running = new();

    /// <summary>Completes when those that run have ended.</summary>
    public Task Ended => Task.WhenAll(_running.Keys);

    /// <summary>Begins a run without waiting for it; false if the function is of another kind.</summary>
    /// <param name="function">The function.</param>
    /// <param name="text">A message's text; a timer has no use for it.</param>
    public bool TryStart(FunctionDefinition function, string text)
    {
        if (InputFor(function, text) is not { } input)
        {
            return false;
        }

        var run = RunAsync(function, input);
        _running[run] = true;
        run.ContinueWith(ended => _running.TryRemove(ended, out _), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return true;
    }

    private TriggerInput? InputFor(FunctionDefinition function, string text)
    {
        if (index.Timers.FirstOrDefault(timer => timer.Function == function) is { } timer)
        {
            return TimerFunction.Input(timer.IsMonitored(time.GetUtcNow().UtcDateTime) ? monitor.Read(function.Name) : null, isPastDue: false);
        }

        return index.Queues.FirstOrDefault(queue => queue.Function == function) is { } queue
            ? new TriggerInput(queue.Value(Encoding.UTF8.GetBytes(text)), NoMetadata)
            : null;
    }

    private async Task RunAsync(FunctionDefinition function, TriggerInput input)
    {
        // Off the request, whose trace this is no part of.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await invoker.InvokeAsync(function, input, grace.Ended);
        }
        catch (Exception error)
        {
            Log.ManualRunFailed(logger, function.Name, error.GetType().Name);
        }
    }
}

internal static partial class Log
{
    [LoggerMessage(821, LogLevel.Error, "Function {Function}, which was run by hand, failed with {Error}")]
    public static partial void ManualRunFailed(ILogger logger, string function, string error);
}
