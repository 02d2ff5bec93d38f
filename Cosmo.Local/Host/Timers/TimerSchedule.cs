using System.Globalization;
using NCrontab;

namespace Cosmo.Local.Host.Timers;

/// <summary>When a timer fires: an NCRONTAB expression of five or six fields, or a fixed interval. All times are UTC.</summary>
internal sealed class TimerSchedule
{
    // Every day that there is comes in it, on each day of the week.
    private static readonly DateTime Era = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime EraEnd = Era.AddYears(40);

    private readonly string _text;
    private readonly Func<DateTime, DateTime> _next;

    private TimerSchedule(string text, Func<DateTime, DateTime> next)
    {
        _text = text;
        _next = next;
    }

    /// <summary>The schedule, or null if the text is none, or one that never fires.</summary>
    public static TimerSchedule? Parse(string text)
    {
        var hasSeconds = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length == 6;
        if (CrontabSchedule.TryParse(text, new CrontabSchedule.ParseOptions { IncludingSeconds = hasSeconds }) is { } crontab)
        {
            if (crontab.GetNextOccurrence(Era, EraEnd) == EraEnd)
            {
                return null;
            }

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
