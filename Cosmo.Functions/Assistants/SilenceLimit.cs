using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Assistants;

/// <summary>Bounds how long a service may be silent, from the request until its last byte, however long it speaks in all.</summary>
internal sealed class SilenceLimit : IDisposable
{
    private readonly TimeSpan _longest;
    private readonly CancellationTokenSource _silent;
    private readonly CancellationTokenSource _either;

    /// <param name="longest">The longest silence.</param>
    /// <param name="clock">The clock of the limit.</param>
    /// <param name="cancellationToken">What ends the listening besides.</param>
    public SilenceLimit(TimeSpan longest, TimeProvider clock, CancellationToken cancellationToken)
    {
        _longest = longest;
        _silent = new CancellationTokenSource(longest, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silent.Token, cancellationToken);
    }

    /// <summary>Is cancelled when the silence was too long, or the listening was ended.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>A stream of which each piece breaks the silence.</summary>
    public Stream Watch(Stream stream) => new ObservedStream(stream, _ => _silent.CancelAfter(_longest));

    public void Dispose()
    {
        _either.Dispose();
        _silent.Dispose();
    }
}
