namespace Cosmo.Local.Runtime.Queues;

/// <summary>How long to wait before a broker is tried again: half a second, doubled each time up to eight seconds, give or take a quarter.</summary>
internal static class Backoff
{
    public static TimeSpan Delay(int attempt) =>
        TimeSpan.FromSeconds(Math.Min(8, 0.5 * Math.Pow(2, Math.Min(attempt, 10))) * (0.75 + (0.5 * Random.Shared.NextDouble())));
}
