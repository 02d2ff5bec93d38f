namespace Cosmo.Functions.Tests.Administration;

/// <summary>A test on the host of its class.</summary>
public abstract class OperatorTest(OperatorHost host) : IClassFixture<OperatorHost>, IAsyncLifetime
{
    private protected OperatorHost Host => host;

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await host.StartAnewAsync(Cancellation);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}
