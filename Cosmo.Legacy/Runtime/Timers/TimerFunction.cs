using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Timers;

/// <summary>A function that a schedule starts.</summary>
internal sealed record TimerFunction(IndexedFunction Function, TimerSchedule Schedule, bool RunOnStartup, bool UseMonitor, RetryDelays Retries)
{
    /// <exception cref="StartupException">The schedule, a setting or a type is not what the host takes.</exception>
    public static TimerFunction Read(IndexedFunction function, TimerTriggerAttribute trigger, IConfiguration settings)
    {
        if (function.TriggerParameter.ParameterType != typeof(TimerInfo))
        {
            throw new StartupException(
                $"Function '{function.Name}' binds its timer trigger to {function.TriggerParameter.ParameterType.Name}; bind it to TimerInfo.");
        }

        var text = settings.Resolve(trigger.Schedule, function);
        var schedule = TimerSchedule.Parse(text)
            ?? throw new StartupException(
                $"Function '{function.Name}' has the schedule '{text}' ({trigger.Schedule}); set it to an NCRONTAB expression of six fields or to hh:mm:ss.");
        return new TimerFunction(function, schedule, trigger.RunOnStartup, trigger.UseMonitor, RetryDelays.Read(function));
    }
}
