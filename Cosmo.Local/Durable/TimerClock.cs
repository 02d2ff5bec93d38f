namespace Cosmo.Local.Durable;

/// <summary>Rings when the earliest durable timer is due. It knows one time; the timers are in the database.</summary>
internal sealed class TimerClock : IDisposable
{
    // Timers of the system cannot be set much further; a ring that is too early finds nothing due and sets the clock again.
    private static readonly TimeSpan Furthest = TimeSpan.FromDays(1);

    private readonly TimeProvider _time;
    private readonly Action _ring;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private DateTime _setFor = DateTime.MaxValue;

    /// <param name="time">The time.</param>
    /// <param name="ring">Called, on any thread, when the time has come. The clock is not set then.</param>
    public TimerClock(TimeProvider time, Action ring)
    {
        _time = time;
        _ring = ring;
        _timer = time.CreateTimer(_ => Ring(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    /// <summary>Sets the clock, unless it is set for an earlier time. For a time that is over it rings at once.</summary>
    public void Set(DateTime due)
    {
        lock (_lock)
        {
            if (due >= _setFor)
            {
                return;
            }

            _setFor = due;

            // The system's timers drop fractions of a millisecond, and would ring too early.
            if (due - Now is var left && left > TimeSpan.Zero)
            {
                _timer.Change(TimeSpan.FromMilliseconds(Math.Min(Math.Ceiling(left.TotalMilliseconds), Furthest.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
                return;
            }

            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        ThreadPool.QueueUserWorkItem(_ => Ring());
    }

    public void Dispose() => _timer.Dispose();

    private void Ring()
    {
        lock (_lock)
        {
            _setFor = DateTime.MaxValue;
        }

        _ring();
    }
}
