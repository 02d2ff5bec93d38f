using Cosmo.Local.Host.Functions;

namespace Cosmo.Local.Host.Timers;

/// <summary>Runs one function on its schedule, never twice at once: an occurrence that falls into a run is left out.</summary>
internal sealed class TimerListener(
    TimerFunction function, TimerMonitor monitor, IFunctionInvoker invoker, ShutdownGrace grace, TimeProvider time, ILogger logger) : IListener
{
    // A timer of the framework waits for 49 days at most.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private readonly string _name = function.Function.Name;
    private bool _isMonitored;
    private ScheduleStatus? _status;

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    public async Task RunAsync(CancellationToken stopping)
    {
        // Off the thread that starts the host: a function may run for long before it first awaits.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var isPastDue = Begin();
        if (isPastDue || function.RunOnStartup)
        {
            await FireAsync(Now, isPastDue, stopping);
        }

        while (!stopping.IsCancellationRequested)
        {
            var next = function.Schedule.Next(Now);
            Log.TimerWaits(logger, _name, next);
            await WaitAsync(next, stopping);
            if (!stopping.IsCancellationRequested)
            {
                await FireAsync(next, isPastDue: false, stopping);
            }
        }
    }

    /// <summary>Takes up what the last start kept; true if an occurrence has been missed since.</summary>
    private bool Begin()
    {
        var now = Now;
        _isMonitored = function.IsMonitored(now);
        if (!_isMonitored)
        {
            return false;
        }

        _status = monitor.Read(_name);
        var expected = _status is null ? default : function.Schedule.Next(_status.Last == default ? _status.LastUpdated : _status.Last);
        if (_status is null || _status.Next != expected)
        {
            Keep(new ScheduleStatus(_status?.Last ?? default, function.Schedule.Next(now), now));
        }

        if (_status!.Next >= now)
        {
            return false;
        }

        Log.TimerPastDue(logger, _name, _status.Next);
        return true;
    }

    private async Task WaitAsync(DateTime until, CancellationToken stopping)
    {
        while (until - Now is var left && left > TimeSpan.Zero && !stopping.IsCancellationRequested)
        {
            await Task.Delay(left < LongestWait ? left : LongestWait, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FireAsync(DateTime occurrence, bool isPastDue, CancellationToken stopping)
    {
        var input = TimerFunction.Input(_status, isPastDue);
        for (var tries = 1; !await TryAsync(input) && function.Function.Retry?.DelayAfter(tries) is { } delay && !stopping.IsCancellationRequested; tries++)
        {
            Log.FunctionRetried(logger, _name, delay, tries);
            await Task.Delay(delay, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // A run that the shutdown cut off counts as missed: the next start makes up for it.
        if (_isMonitored && !grace.HasEnded)
        {
            Keep(new ScheduleStatus(occurrence, function.Schedule.Next(occurrence), occurrence));
        }
    }

    private async Task<bool> TryAsync(TriggerInput input)
    {
        try
        {
            await invoker.InvokeAsync(function.Function, input, grace.Ended);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private void Keep(ScheduleStatus status)
    {
        _status = status;
        monitor.Write(_name, status);
    }
}
