namespace Cosmo.Functions.Hosting;

/// <summary>Bounds a piece of work in time, beside the ends that its callers set.</summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly CancellationTokenSource _limit;
    private readonly CancellationTokenSource _either;

    /// <param name="time">How long it may take; nothing or less is over at once.</param>
    /// <param name="clock">The clock of the limit.</param>
    /// <param name="others">What ends the work besides.</param>
    public TimeLimit(TimeSpan time, TimeProvider clock, params ReadOnlySpan<CancellationToken> others)
    {
        _limit = new CancellationTokenSource(time > TimeSpan.Zero ? time : TimeSpan.Zero, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource([_limit.Token, .. others]);
    }

    /// <summary>Is cancelled when the time is up or one of the others is cancelled.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Whether the time is up.</summary>
    public bool IsOver => _limit.IsCancellationRequested;

    public void Dispose()
    {
        _either.Dispose();
        _limit.Dispose();
    }
}
