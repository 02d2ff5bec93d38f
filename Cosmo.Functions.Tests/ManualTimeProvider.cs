namespace Cosmo.Functions.Tests;

/// <summary>A clock that stands still until it is advanced. Timers that fall due then run, in order, on the advancing thread.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(Func<bool> IsReached, TaskCompletionSource Reached)> _waiting = [];
    private DateTimeOffset _now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The time when nothing has advanced it yet. 31 January 2026, noon, by default.</summary>
    public DateTimeOffset Start
    {
        init => _now = value;
    }

    /// <summary>How many timers were made so far.</summary>
    public int TimersMade { get; private set; }

    /// <summary>Timers no longer than this are not waited for: the clock goes on to them by itself. Zero (none) by default.</summary>
    public TimeSpan SkipUpTo { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            TimersMade++;
        }

        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by) => AdvanceTo(GetUtcNow() + by);

    /// <summary>Completes when at least this many timers are set: when the code under test waits for the clock.</summary>
    /// <exception cref="TimeoutException">They were not within a minute of the system's clock.</exception>
    public Task TimersSetAsync(int count = 1) => ReachedAsync(() => _timers.Count >= count);

    /// <summary>Completes when a timer is set that falls due this long from now, no sooner and no later.</summary>
    /// <exception cref="TimeoutException">None was within a minute of the system's clock.</exception>
    public Task TimerSetForAsync(TimeSpan due) => TimerSetForAsync(due, due);

    /// <summary>Completes when a timer is set that falls due so long from now.</summary>
    /// <exception cref="TimeoutException">None was within a minute of the system's clock.</exception>
    public Task TimerSetForAsync(TimeSpan least, TimeSpan most) => ReachedAsync(() => _timers.Exists(timer => timer.Due >= _now + least && timer.Due <= _now + most));

    private async Task ReachedAsync(Func<bool> isReached)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiting.Add((isReached, reached));
            TellWaiting();
        }

        try
        {
            await reached.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }
        catch (TimeoutException)
        {
            lock (_lock)
            {
                throw new TimeoutException($"The timer that was waited for was not set. Those that are fall due in: {string.Join(", ", _timers.Select(timer => timer.Due - _now))}");
            }
        }
    }

    private void AdvanceTo(DateTimeOffset until)
    {
        while (TakeNext(until) is { } timer)
        {
            timer.Fire();
        }
    }

    private ManualTimer? TakeNext(DateTimeOffset until)
    {
        lock (_lock)
        {
            var next = _timers.MinBy(timer => timer.Due);
            if (next is null || next.Due > until)
            {
                _now = until > _now ? until : _now;
                return null;
            }

            _now = next.Due > _now ? next.Due : _now;
            if (next.Period > TimeSpan.Zero)
            {
                next.Due += next.Period;
            }
            else
            {
                _timers.Remove(next);
            }

            return next;
        }
    }

    private void Set(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
            if (dueTime == Timeout.InfiniteTimeSpan)
            {
                return;
            }

            timer.Due = _now + dueTime;
            timer.Period = period;
            _timers.Add(timer);
            TellWaiting();
        }

        // A timer that is due at once does not wait for the clock.
        if (dueTime == TimeSpan.Zero || dueTime <= SkipUpTo)
        {
            var due = timer.Due;
            ThreadPool.QueueUserWorkItem(_ => AdvanceTo(due));
        }
    }

    private void TellWaiting()
    {
        foreach (var (_, reached) in _waiting.Where(waiting => waiting.IsReached()))
        {
            reached.TrySetResult();
        }

        _waiting.RemoveAll(waiting => waiting.Reached.Task.IsCompleted);
    }

    private sealed class ManualTimer(ManualTimeProvider time, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; }

        public TimeSpan Period { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time.Set(this, dueTime, period);
            return true;
        }

        public void Dispose() => time.Set(this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
