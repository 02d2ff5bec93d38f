namespace Cosmo.Local.Runtime.Durable;

/// <summary>Rings when the earliest durable timer is due. It knows one time; the timers are in the database.</summary>
internal sealed class TimerClock : IDisposable
{
    // Timers of the system cannot be set much further; a ring that is too early finds nothing due and sets the clock again.
    private static readonly TimeSpan Furthest = TimeSpan.FromDays(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private DateTime _setFor = DateTime.MaxValue;

    /// <param name="time">The time.</param>
    /// <param name="ring">Called, by any thread, when the time has come. The clock is not set then.</param>
    public TimerClock(TimeProvider time, Action ring)
    {
        _time = time;
        _timer = time.CreateTimer(_ => Ring(ring), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Sets the clock, unless it is set for an earlier time.</summary>
    public void Set(DateTime due)
    {
        lock (_lock)
        {
            if (due < _setFor)
            {
                _setFor = due;
                var wait = due - _time.GetUtcNow().UtcDateTime;
                _timer.Change(TimeSpan.FromTicks(Math.Clamp(wait.Ticks, 0, Furthest.Ticks)), Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Ring(Action ring)
    {
        lock (_lock)
        {
            _setFor = DateTime.MaxValue;
        }

        ring();
    }
}
