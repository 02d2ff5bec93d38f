namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>The time of one schedule: it moves when the scheduler says so, from one timer to the next.</summary>
internal sealed class SimulatedTime
{
    private readonly PriorityQueue<SimulatedTimer, (long Due, long Number)> _timers = new();

    /// <summary>Those of what goes on for ever.</summary>
    private readonly PriorityQueue<SimulatedTimer, (long Due, long Number)> _lasting = new();
    private long _number;

    /// <summary>Something waits for timers of what goes on for ever; else those do not count.</summary>
    public Func<bool> IsLastingAwaited { get; init; } = () => false;

    /// <summary>In ticks of UTC. 31 January 2026, noon, at first.</summary>
    public long Now { get; private set; } = new DateTime(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc).Ticks;

    /// <summary>Whole milliseconds since 1970, as Redis and the log have them.</summary>
    public long Milliseconds => (Now - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;

    /// <summary>When the next timer falls due; null where none is set.</summary>
    public long? NextDue
    {
        get
        {
            var due = DueIn(_timers);
            return IsLastingAwaited() && DueIn(_lasting) is { } lasting && !(lasting >= due) ? lasting : due;
        }
    }

    /// <summary>Time passes, but not beyond the next timer.</summary>
    public void Pass(long ticks)
    {
        if (NextDue is not { } due || due > Now + ticks)
        {
            Now += ticks;
        }
    }

    /// <summary>Goes on to the next timer, and has it fall due. Call it only where <see cref="NextDue"/> says that there is one.</summary>
    public void FireNext()
    {
        var timer = (NextDue == DueIn(_timers) ? _timers : _lasting).Dequeue();
        Now = Math.Max(Now, timer.Due);
        timer.Number = 0;
        if (timer.Period > 0)
        {
            Set(timer, Now + timer.Period);
        }

        timer.Fire();
    }

    public void Set(SimulatedTimer timer, long due)
    {
        timer.Number = ++_number;
        timer.Due = due;
        (timer.Clock.IsLasting ? _lasting : _timers).Enqueue(timer, (due, timer.Number));
    }

    private static long? DueIn(PriorityQueue<SimulatedTimer, (long Due, long Number)> timers)
    {
        while (timers.TryPeek(out var timer, out var set))
        {
            if (timer.Number == set.Number && !timer.Clock.IsDead)
            {
                return set.Due;
            }

            timers.Dequeue();
        }

        return null;
    }
}

/// <summary>The clock of one process. When that dies, its timers die with it.</summary>
/// <param name="time">The time.</param>
/// <param name="isLasting">It is the clock of what goes on for ever.</param>
internal sealed class SimulatedClock(SimulatedTime time, bool isLasting = false) : TimeProvider
{
    public SimulatedTime Time => time;

    public bool IsLasting => isLasting;

    public bool IsDead { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => new(time.Now, TimeSpan.Zero);

    public override long GetTimestamp() => time.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

internal sealed class SimulatedTimer(SimulatedClock clock, TimerCallback callback, object? state) : ITimer
{
    public SimulatedClock Clock => clock;

    public long Due { get; set; }

    public long Period { get; private set; }

    /// <summary>Which of the settings counts; 0 for none.</summary>
    public long Number { get; set; }

    public void Fire() => callback(state);

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        Period = period > TimeSpan.Zero ? period.Ticks : 0;
        if (dueTime == Timeout.InfiniteTimeSpan)
        {
            Number = 0;
        }
        else
        {
            clock.Time.Set(this, clock.Time.Now + dueTime.Ticks);
        }

        return true;
    }

    public void Dispose() => Number = 0;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
