using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Threads;

/// <summary>Reads the contract's keys without renewing their expiry: looking at a thread does not keep it.</summary>
internal sealed class ThreadReader(RedisConnection redis)
{
    public async Task<ThreadSnapshot> ReadAsync(string channel, CancellationToken cancellationToken) =>
        (await ReadAsync([channel], cancellationToken))[0];

    /// <summary>One pipeline for all; keep it to about a thousand.</summary>
    public Task<ThreadSnapshot[]> ReadAsync(IEnumerable<string> channels, CancellationToken cancellationToken) =>
        redis.RunAsync(
            database => Task.WhenAll(channels.Select(async channel =>
            {
                var thread = database.StringGetAsync(ThreadKeys.Thread(redis.Prefix, channel));
                var metadata = database.StringGetAsync(ThreadKeys.Metadata(redis.Prefix, channel));
                return new ThreadSnapshot(channel, await thread, await metadata);
            })),
            cancellationToken);

    /// <summary>When the thread's key expires; null if never, or if there is none.</summary>
    public Task<TimeSpan?> TimeToLiveAsync(string channel, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.KeyTimeToLiveAsync(ThreadKeys.Thread(redis.Prefix, channel)), cancellationToken);
}
