using System.Globalization;
using NCrontab;

namespace Cosmo.Local.Host.Timers;

/// <summary>When a timer fires: an NCRONTAB expression of five or six fields, or a fixed interval. All times are UTC.</summary>
internal sealed class TimerSchedule
{
    private readonly string _text;
    private readonly Func<DateTime, DateTime> _next;

    private TimerSchedule(string text, Func<DateTime, DateTime> next)
    {
        _text = text;
        _next = next;
    }

    /// <summary>The schedule, or null if the text is none.</summary>
    public static TimerSchedule? Parse(string text)
    {
        var hasSeconds = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length == 6;
        if (CrontabSchedule.TryParse(text, new CrontabSchedule.ParseOptions { IncludingSeconds = hasSeconds }) is { } crontab)
        {
            return new TimerSchedule(text, after => DateTime.SpecifyKind(crontab.GetNextOccurrence(after), DateTimeKind.Utc));
        }

        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var interval) && interval > TimeSpan.Zero
            ? new TimerSchedule(text, after => after + interval)
            : null;
    }

    /// <summary>The first occurrence after a point in time.</summary>
    public DateTime Next(DateTime after) => _next(after);

    /// <summary>Whether two occurrences lie less than a minute apart: such a schedule is never monitored.</summary>
    public bool IsFrequent(DateTime now)
    {
        var first = Next(now);
        return Next(first) - first < TimeSpan.FromMinutes(1);
    }

    public override string ToString() => _text;
}
