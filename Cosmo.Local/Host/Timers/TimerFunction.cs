using System.Text.Json;
using Cosmo.Local.Host.Functions;

namespace Cosmo.Local.Host.Timers;

/// <summary>A function that a schedule starts.</summary>
internal sealed record TimerFunction(FunctionDefinition Function, TimerSchedule Schedule, bool RunOnStartup, bool UseMonitor)
{
    private static readonly Dictionary<string, string> NoMetadata = [];

    /// <exception cref="StartupException">The schedule or a setting is not what the host takes.</exception>
    public static TimerFunction Read(FunctionDefinition function, IConfiguration settings)
    {
        var written = function.Trigger.Text("schedule") ?? "";
        var text = settings.Resolve(written, function);
        var schedule = TimerSchedule.Parse(text)
            ?? throw new StartupException(
                $"Function '{function.Name}' has the schedule '{text}' ({written}); set it to an NCRONTAB expression of six fields or to hh:mm:ss.");
        return new TimerFunction(function, schedule, function.Trigger.Flag("runOnStartup", false), function.Trigger.Flag("useMonitor", true));
    }

    /// <summary>Whether its past is kept: never that of a schedule which fires more than once a minute.</summary>
    public bool IsMonitored(DateTime now) => UseMonitor && !Schedule.IsFrequent(now);

    /// <summary>What the function is told, as the JSON that the worker's extension reads.</summary>
    /// <param name="status">Null where the schedule is not monitored.</param>
    /// <param name="isPastDue">Whether this run makes up for one that was missed.</param>
    public static TriggerInput Input(ScheduleStatus? status, bool isPastDue) =>
        new(JsonSerializer.Serialize(new { Schedule = new { AdjustForDST = true }, ScheduleStatus = status, IsPastDue = isPastDue }), NoMetadata);
}

/// <summary>The past and the future of a schedule, in UTC.</summary>
/// <param name="Last">The occurrence that ran last.</param>
/// <param name="Next">The next occurrence.</param>
/// <param name="LastUpdated">When this was written.</param>
internal sealed record ScheduleStatus(DateTime Last, DateTime Next, DateTime LastUpdated);
