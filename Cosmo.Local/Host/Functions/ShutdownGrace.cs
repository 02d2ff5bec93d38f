namespace Cosmo.Local.Host.Functions;

/// <summary>At shutdown running invocations may end by themselves for a while; after it they are cancelled.</summary>
internal sealed class ShutdownGrace(TimeProvider time) : IDisposable
{
    /// <summary>Less than a whole stop may take, so that what is cancelled after it can still end.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromSeconds(6);

    private readonly CancellationTokenSource _ended = new();
    private ITimer? _timer;

    public CancellationToken Ended => _ended.Token;

    public bool HasEnded => _ended.IsCancellationRequested;

    /// <summary>Begins the time; another call changes nothing.</summary>
    public void Begin()
    {
        lock (_ended)
        {
            _timer ??= time.CreateTimer(_ => _ended.Cancel(), null, Length, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _ended.Dispose();
    }
}
