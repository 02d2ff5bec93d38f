namespace Cosmo.Functions.Tests.Administration;

/// <summary>A test on the one host that all these share: they come one after the other, and find it as if it had just been started.</summary>
[Collection<OnOneHost>]
public abstract class OperatorTest(OperatorHost host) : IAsyncLifetime
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

/// <summary>The tests on the one host.</summary>
[CollectionDefinition]
public sealed class OnOneHost : ICollectionFixture<OperatorHost>;
