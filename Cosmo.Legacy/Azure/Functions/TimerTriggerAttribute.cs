using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Starts a function on a schedule, in UTC.</summary>
public sealed class TimerTriggerAttribute : TriggerBindingAttribute
{
    public TimerTriggerAttribute(string schedule)
    {
        Schedule = schedule;
    }

    /// <summary>An NCRONTAB expression of five or six fields, a <see cref="TimeSpan"/>, or a setting's name between percent signs.</summary>
    public string Schedule { get; }

    /// <summary>Whether the function runs once when the host starts.</summary>
    public bool RunOnStartup { get; set; }

    /// <summary>Whether occurrences are kept, so that one missed while the host was down is made up for.</summary>
    public bool UseMonitor { get; set; } = true;
}
