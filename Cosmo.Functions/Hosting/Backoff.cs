namespace Cosmo.Functions.Hosting;

/// <summary>Waiting times between tries: exponential with full jitter.</summary>
internal static class Backoff
{
    /// <summary>A random wait of up to <paramref name="first"/> · 2^(attempt-1), at most <paramref name="longest"/>.</summary>
    /// <param name="attempt">The try that failed, from 1.</param>
    /// <param name="first">The upper bound after the first try.</param>
    /// <param name="longest">The upper bound after any try.</param>
    public static TimeSpan Delay(int attempt, TimeSpan first, TimeSpan longest)
    {
        var ceiling = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 20)));
        return TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble());
    }
}
