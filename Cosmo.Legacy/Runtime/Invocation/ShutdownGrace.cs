namespace Cosmo.Local.Runtime.Invocation;

/// <summary>At shutdown running invocations may end by themselves for a while; after it they are cancelled.</summary>
internal sealed class ShutdownGrace : IDisposable
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(6);

    private readonly CancellationTokenSource _ended = new();

    public ShutdownGrace(IHostApplicationLifetime lifetime) => lifetime.ApplicationStopping.Register(() => _ended.CancelAfter(Length));

    public CancellationToken Ended => _ended.Token;

    public bool HasEnded => _ended.IsCancellationRequested;

    public void Dispose() => _ended.Dispose();
}
