using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using StackExchange.Redis;

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
                var thread = GetAsync(database, ThreadKeys.Thread(redis.Prefix, channel));
                var metadata = GetAsync(database, ThreadKeys.Metadata(redis.Prefix, channel));
                return new ThreadSnapshot(channel, await thread, await metadata);
            })),
            cancellationToken);

    /// <summary>When the thread's key expires; null if never, or if there is none.</summary>
    public Task<TimeSpan?> TimeToLiveAsync(string channel, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.KeyTimeToLiveAsync(ThreadKeys.Thread(redis.Prefix, channel)), cancellationToken);

    /// <summary>The keys of a channel that do not hold what they should, by their whole names.</summary>
    public IReadOnlyList<string> NamesOf(ThreadSnapshot snapshot) => [.. snapshot.Unreadable.Select(key => redis.Prefix + key)];

    private static async Task<StoredText> GetAsync(IDatabase database, RedisKey key)
    {
        try
        {
            return new StoredText(await database.StringGetAsync(key), IsForeign: false);
        }
        catch (RedisServerException e) when (RedisFault.IsWrongType(e))
        {
            return new StoredText(null, IsForeign: true);
        }
    }
}

/// <summary>What a key holds that the contract says is a string.</summary>
/// <param name="Text">Null if there is no such key, or it is foreign.</param>
/// <param name="IsForeign">Another program keeps something of another type there.</param>
internal readonly record struct StoredText(string? Text, bool IsForeign);

/// <summary>The contract's keys of a channel as they stood at one moment. What is unreadable counts as absent, and is named.</summary>
internal sealed class ThreadSnapshot(string channel, StoredText thread, StoredText metadata)
{
    public string Channel => channel;

    /// <summary>The thread key's value; null if there is none.</summary>
    public string? ThreadId => thread.Text;

    /// <summary>The metadata key's value; null if there is none.</summary>
    public string? MetadataText => metadata.Text;

    /// <summary>Null if there is none, or none that can be read.</summary>
    public ThreadMetadata? Metadata { get; } = metadata.Text is null ? null : ThreadMetadata.Parse(metadata.Text);

    public bool Exists => ThreadId is not null || MetadataText is not null;

    /// <summary>The keys that hold something of another type, without the prefix.</summary>
    public IEnumerable<string> Foreign
    {
        get
        {
            if (thread.IsForeign)
            {
                yield return ThreadKeys.ThreadStart("") + channel;
            }

            if (metadata.IsForeign)
            {
                yield return ThreadKeys.MetadataStart("") + channel;
            }
        }
    }

    /// <summary>Those, and metadata that is not as the contract says.</summary>
    public IEnumerable<string> Unreadable =>
        MetadataText is null || Metadata is { IsWhole: true } ? Foreign : [.. Foreign, ThreadKeys.MetadataStart("") + channel];

    public IndexEntry ToEntry() => new(channel, ThreadId, Metadata?.LastActivity, Metadata?.Messages);
}
