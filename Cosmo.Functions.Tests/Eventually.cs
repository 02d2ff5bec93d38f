using System.Diagnostics;

namespace Cosmo.Functions.Tests;

/// <summary>Waits for what tells nobody when it comes, by looking again and again.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <param name="isSo">What is waited for.</param>
    /// <param name="instead">What is said where it does not come: what is there instead.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <param name="seconds">So long it is waited for at most.</param>
    /// <exception cref="TimeoutException">It was not so in time.</exception>
    public static async Task IsSoAsync(Func<Task<bool>> isSo, Func<string> instead, CancellationToken cancellationToken, int seconds = 60)
    {
        for (var begun = Stopwatch.GetTimestamp(); !await isSo();)
        {
            if (Stopwatch.GetElapsedTime(begun).TotalSeconds > seconds)
            {
                throw new TimeoutException(instead());
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <inheritdoc cref="IsSoAsync(Func{Task{bool}}, Func{string}, CancellationToken, int)"/>
    public static Task IsSoAsync(Func<bool> isSo, Func<string> instead, CancellationToken cancellationToken, int seconds = 60) =>
        IsSoAsync(() => Task.FromResult(isSo()), instead, cancellationToken, seconds);
}
