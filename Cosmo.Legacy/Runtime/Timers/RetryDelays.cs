using System.Globalization;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Timers;

/// <summary>How long to wait before each further try of an invocation that failed.</summary>
internal sealed class RetryDelays
{
    private readonly int _count;
    private readonly TimeSpan _first;
    private readonly TimeSpan _longest;

    private RetryDelays(int count, TimeSpan first, TimeSpan longest)
    {
        _count = count;
        _first = first;
        _longest = longest;
    }

    /// <exception cref="StartupException">An interval is no time span.</exception>
    public static RetryDelays Read(IndexedFunction function) => function.Retry switch
    {
        FixedDelayRetryAttribute retry => new(retry.MaxRetryCount, Interval(function, retry.DelayInterval), Interval(function, retry.DelayInterval)),
        ExponentialBackoffRetryAttribute retry => new(retry.MaxRetryCount, Interval(function, retry.MinimumInterval), Interval(function, retry.MaximumInterval)),
        _ => new(0, TimeSpan.Zero, TimeSpan.Zero),
    };

    /// <summary>The delay after the given number of tries (1 and up), or null when there are to be no more.</summary>
    public TimeSpan? After(int tries)
    {
        if (_count >= 0 && tries > _count)
        {
            return null;
        }

        return TimeSpan.FromTicks((long)Math.Min(_longest.Ticks, _first.Ticks * Math.Pow(2, tries - 1)));
    }

    private static TimeSpan Interval(IndexedFunction function, string text) =>
        TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var interval) && interval >= TimeSpan.Zero
            ? interval
            : throw new StartupException($"Function '{function.Name}' has the retry interval '{text}'; set it to hh:mm:ss.");
}
