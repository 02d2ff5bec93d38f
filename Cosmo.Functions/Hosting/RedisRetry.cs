using StackExchange.Redis;

namespace Cosmo.Functions.Hosting;

/// <summary>Repeats what Redis could not do, until it is back. What it refuses for good is not repeated (<see cref="RedisFault"/>).</summary>
internal static class RedisRetry
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    /// <summary>Runs the step until it succeeds.</summary>
    /// <param name="step">What needs Redis; it may run often.</param>
    /// <param name="patience">No try begins after this long; the failure of the last is passed on.</param>
    /// <param name="clock">The clock of the patience and of the waits.</param>
    /// <param name="failed">Hears of each failure.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="RedisException">Redis stayed away, or refuses it.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    public static async Task<T> RunAsync<T>(
        Func<Task<T>> step, TimeSpan patience, TimeProvider clock, Action<Exception> failed, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstWait, LongestWait, clock) { Until = Backoff.After(patience, clock) };
        while (true)
        {
            try
            {
                return await step();
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                failed(e);
                if (!RedisFault.MayPass(e) || !await backoff.WaitAsync(null, cancellationToken))
                {
                    throw;
                }
            }
        }
    }

    /// <summary>The same for a step that gives nothing.</summary>
    /// <inheritdoc cref="RunAsync{T}"/>
    public static Task RunAsync(Func<Task> step, TimeSpan patience, TimeProvider clock, Action<Exception> failed, CancellationToken cancellationToken) => RunAsync(
        async () =>
        {
            await step();
            return true;
        },
        patience, clock, failed, cancellationToken);
}
