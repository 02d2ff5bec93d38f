namespace Cosmo.Functions.Tests.EndToEnd.Page;

/// <summary>What every class of tests of the page has.</summary>
[Collection(SharedPage.Name)]
public abstract class PageTests(PageFixture fixture) : IAsyncLifetime
{
    internal PageFixture Fixture => fixture;

    internal static string NewChannel => $"page-{Guid.NewGuid():N}";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await fixture.CloseAsync();
        GC.SuppressFinalize(this);
    }
}
