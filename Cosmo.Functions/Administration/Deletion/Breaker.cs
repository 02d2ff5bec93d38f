namespace Cosmo.Functions.Administration.Deletion;

/// <summary>Opens when a service has failed so often in a row that it is down, and then stays open.</summary>
internal sealed class Breaker(int mostFailures, bool isOpen = false)
{
    private int _failures = isOpen ? mostFailures : 0;

    public bool IsOpen => Volatile.Read(ref _failures) >= mostFailures;

    public void Failed() => Interlocked.Increment(ref _failures);

    public void Succeeded()
    {
        if (!IsOpen)
        {
            Interlocked.Exchange(ref _failures, 0);
        }
    }
}
