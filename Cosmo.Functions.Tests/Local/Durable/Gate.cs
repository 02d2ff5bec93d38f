using System.Threading.Channels;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>Holds an activity until the test lets it go on, and tells the test that it is there.</summary>
internal sealed class Gate
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _entered = Channel.CreateUnbounded<bool>();

    public void Open() => _opened.TrySetResult();

    /// <summary>For the activity.</summary>
    public Task PassAsync(CancellationToken cancellation)
    {
        _entered.Writer.TryWrite(true);
        return _opened.Task.WaitAsync(cancellation);
    }

    /// <summary>For the test: waits until an activity has come, each time for one more.</summary>
    public Task EnteredAsync()
        => _entered.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestHub.Patience);
}
