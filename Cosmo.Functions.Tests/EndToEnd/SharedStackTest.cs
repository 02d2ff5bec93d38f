namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>
/// A test on the one stack that all these share, since they stop nothing and have channels of their own: they come one after the other, and find the emulators
/// without faults and scripts, and no dead letter.
/// </summary>
[Collection<OneStackForAll>]
public abstract class SharedStackTest(ToolsFixture shared) : IAsyncLifetime
{
    private protected ToolsFixture Shared => shared;

    private protected CosmoStack Stack => shared.Stack;

    public virtual async ValueTask InitializeAsync() => await Stack.ResetAsync();

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The tests on the one stack.</summary>
[CollectionDefinition]
public sealed class OneStackForAll : ICollectionFixture<ToolsFixture>;
