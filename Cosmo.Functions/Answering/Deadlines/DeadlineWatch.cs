using Microsoft.DurableTask;

namespace Cosmo.Functions.Answering.Deadlines;

/// <summary>How long an answer may take; part of the orchestration's input, since an orchestrator reads no configuration.</summary>
/// <param name="FirstEvent">Until the model's first event.</param>
/// <param name="Stall">Between two events.</param>
/// <param name="Overall">For the whole answer.</param>
internal sealed record AnswerDeadlines(TimeSpan FirstEvent, TimeSpan Stall, TimeSpan Overall);

/// <summary>
/// Watches the work of an orchestration against its three deadlines, kept by durable timers, and against a request to cancel.
/// The model's progress comes as events from the activity: soon after its first event, then at most every 15 s with the moment of the last one,
/// so that the timer for the next deadline is exact although events are few.
/// </summary>
internal sealed class DeadlineWatch(TaskOrchestrationContext context, AnswerDeadlines deadlines, Task cancelled) : IDisposable
{
    private CancellationTokenSource? _obsolete;
    private Task? _timer;
    private DateTime _timerDue;
    private DateTime? _lastEvent;
    private Task<DateTimeOffset>? _progress;
    private DateTime _begun = context.CurrentUtcDateTime;

    /// <summary>When the whole answer must be there.</summary>
    public DateTimeOffset OverallAt { get; private set; } = new(context.CurrentUtcDateTime + deadlines.Overall, TimeSpan.Zero);

    /// <summary>When the model's first event must have been heard of.</summary>
    public DateTimeOffset FirstEventBy => OverallAt - deadlines.Overall + deadlines.FirstEvent;

    /// <summary>What is left of the whole time; nothing or less when it has passed.</summary>
    public TimeSpan Left => OverallAt.UtcDateTime - context.CurrentUtcDateTime;

    /// <summary>
    /// Until when work that begins now may try again what failed: two thirds of the time to its deadline, so that the true cause is told before a time-out hides it.
    /// </summary>
    public DateTimeOffset RetryUntil
    {
        get
        {
            var now = context.CurrentUtcDateTime;
            var due = _lastEvent is null ? Next().Due : now + deadlines.Stall;
            return new DateTimeOffset(now + ((due < OverallAt.UtcDateTime ? due : OverallAt.UtcDateTime) - now) * 2 / 3, TimeSpan.Zero);
        }
    }

    public bool IsCancelled => cancelled.IsCompleted;

    /// <summary>The model has answered: that counts as an event, also when the activity ended before it could tell of one.</summary>
    public void Hear() => _lastEvent = context.CurrentUtcDateTime;

    /// <summary>The clocks stood still for so long: a person was waited for.</summary>
    public void Pause(TimeSpan time) => OverallAt += time;

    /// <summary>Waits for the work. Null when it is done, else the failure that came first; the work then goes on, and must be told to stop.</summary>
    public async Task<Failure?> WatchAsync(Task work)
    {
        // Each piece of work counts as an event of its own when it begins: the process behind it is alive.
        _begun = context.CurrentUtcDateTime;
        while (!work.IsCompleted)
        {
            var (due, failure) = Next();
            _progress ??= context.WaitForExternalEvent<DateTimeOffset>(AnswerMessage.ModelProgress);
            await Task.WhenAny(work, cancelled, _progress, TimerUntil(due));
            if (work.IsCompleted)
            {
                break;
            }

            if (IsCancelled)
            {
                return Failure.Cancelled;
            }

            if (_progress.IsCompleted)
            {
                var heard = (await _progress).UtcDateTime;
                _lastEvent = _lastEvent > heard ? _lastEvent : heard;
                _progress = null;
            }
            else if (context.CurrentUtcDateTime >= due)
            {
                return failure;
            }
        }

        return null;
    }

    public void Dispose()
    {
        if (_timer is { IsCompleted: false })
        {
            // Not CancelAsync: its callbacks would run outside the orchestration.
            _obsolete!.Cancel();
        }

        _obsolete?.Dispose();
    }

    /// <summary>The timer that is set already, unless it is later: each one is a step of its own, and most deadlines only move away. One that comes early asks for the next.</summary>
    private Task TimerUntil(DateTime due)
    {
        if (_timer is { IsCompleted: false } && _timerDue <= due)
        {
            return _timer;
        }

        Dispose();
        _obsolete = new CancellationTokenSource();
        _timerDue = due;
        return _timer = context.CreateTimer(due, _obsolete.Token);
    }

    private (DateTime Due, Failure Failure) Next()
    {
        var (due, failure) = _lastEvent is { } last
            ? ((last > _begun ? last : _begun) + deadlines.Stall, Failure.Stalled)
            : (FirstEventBy.UtcDateTime, Failure.NoFirstResponse);
        return due < OverallAt.UtcDateTime ? (due, failure) : (OverallAt.UtcDateTime, Failure.Overall(deadlines.Overall));
    }
}
