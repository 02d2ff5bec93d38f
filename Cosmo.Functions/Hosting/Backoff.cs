namespace Cosmo.Functions.Hosting;

/// <summary>
/// Spaces the tries of one piece of work: each wait is random, up to a bound that doubles from <paramref name="first"/> to <paramref name="longest"/>
/// (exponential back-off with full jitter).
/// </summary>
/// <param name="first">The bound of the first wait.</param>
/// <param name="longest">The bound of any wait.</param>
/// <param name="clock">The clock of the waits.</param>
internal sealed class Backoff(TimeSpan first, TimeSpan longest, TimeProvider clock)
{
    /// <summary>So many tries at most; without end by default.</summary>
    public int MaxTries { get; init; } = int.MaxValue;

    /// <summary>No try begins after this moment; without end by default.</summary>
    public DateTimeOffset Until { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>A service that asks to be left alone for longer is not tried again.</summary>
    public TimeSpan LongestRetryAfter { get; init; } = TimeSpan.MaxValue;

    /// <summary>Is told that there will be another try, before the wait for it.</summary>
    public Func<Task>? Waiting { get; init; }

    /// <summary>The number of the try, from 1.</summary>
    public int Try { get; private set; } = 1;

    /// <summary>The moment after so long; the end of time if that is too far away.</summary>
    public static DateTimeOffset After(TimeSpan time, TimeProvider clock) =>
        clock.GetUtcNow() is var now && time < DateTimeOffset.MaxValue - now ? now + time : DateTimeOffset.MaxValue;

    /// <summary>Waits for the next try. False, at once, where there is to be none.</summary>
    /// <param name="retryAfter">How long the service asked to be left alone, if it did; the random wait comes on top.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<bool> WaitAsync(TimeSpan? retryAfter, CancellationToken cancellationToken)
    {
        var bound = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(Try - 1, 20)));
        var wait = (retryAfter > TimeSpan.Zero ? retryAfter.Value : TimeSpan.Zero) + TimeSpan.FromMilliseconds(bound * Jitter());
        if (Try >= MaxTries || retryAfter > LongestRetryAfter || After(wait, clock) > Until)
        {
            return false;
        }

        await (Waiting?.Invoke() ?? Task.CompletedTask);
        await Task.Delay(wait, clock, cancellationToken);
        Try++;
        return true;
    }

    /// <summary>From 0 to 1, by the clock's own ticks (mixed as SplitMix64 does): whoever gives the clock gives the waits too.</summary>
    private double Jitter()
    {
        var mixed = unchecked((ulong)clock.GetTimestamp() * 0x9E3779B97F4A7C15);
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB);
        return (mixed >> 11) * (1.0 / (1UL << 53));
    }
}
