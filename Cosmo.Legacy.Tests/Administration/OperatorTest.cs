namespace Cosmo.Functions.Tests.Administration;

/// <summary>A test with a host of its own.</summary>
public abstract class OperatorTest : IAsyncLifetime
{
    private protected OperatorHost Host { get; private set; } = null!;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Host = await OperatorHost.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
