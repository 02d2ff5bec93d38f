using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;

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

/// <summary>The contract's keys of a channel as they stood at one moment.</summary>
/// <param name="ThreadId">The thread key's value; null if there is none.</param>
/// <param name="MetadataText">The metadata key's value; null if there is none.</param>
internal sealed record ThreadSnapshot(string Channel, string? ThreadId, string? MetadataText)
{
    /// <summary>Null if there is none, or none that can be read.</summary>
    public ThreadMetadata? Metadata { get; } = MetadataText is null ? null : ThreadMetadata.Parse(MetadataText);

    public bool Exists => ThreadId is not null || MetadataText is not null;

    public IndexEntry ToEntry() => new(Channel, ThreadId, Metadata?.LastActivity, MetadataText is null ? null : Metadata?.Messages ?? 0);
}
