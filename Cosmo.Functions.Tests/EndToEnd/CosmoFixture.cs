using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>One stack for all tests of a class that stop nothing and use channels of their own.</summary>
public abstract class CosmoFixture : IAsyncLifetime
{
    internal CosmoStack Stack { get; private set; } = null!;

    protected virtual Dictionary<string, string> Settings => [];

    /// <summary>Milliseconds a token.</summary>
    protected virtual int Pace => 0;

    /// <summary>See <see cref="CosmoStack.StartAsync"/>.</summary>
    protected virtual bool InOwnProcess => false;

    public virtual async ValueTask InitializeAsync() => Stack = await CosmoStack.StartAsync(
        Settings, new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.Zero, TokenPace = TimeSpan.FromMilliseconds(Pace) }, InOwnProcess);

    public virtual async ValueTask DisposeAsync()
    {
        await Stack.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
