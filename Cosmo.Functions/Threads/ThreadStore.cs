using Cosmo.Functions.Access;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Threads;

/// <summary>
/// Which OpenAI conversation belongs to a channel. Keys, values and expiries are the wire contract's; those of one channel may lie in different hash slots,
/// so no script touches two of them.
/// </summary>
internal sealed class ThreadStore(
    RedisConnection redis, ThreadIndex index, ChannelOwners owners, IOptions<ThreadOptions> options, TimeProvider clock, ILogger<ThreadStore> logger)
{
    private const int MaxWrites = 100;

    private const string ReadAndRenew = """
        local value = redis.call('GET', KEYS[1])
        if value then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
        return value
        """;

    // Writes only over what was read (an empty string stands for no key), and tells what is there instead.
    private const string Replace = """
        local current = redis.call('GET', KEYS[1]) or ''
        if current ~= ARGV[1] then return current end
        redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
        return false
        """;

    private readonly int _expiry = options.Value.ExpirySeconds;

    /// <summary>Says that the channel's thread is about to be used: from here on nobody removes it. False if it is being removed: then the channel has none.</summary>
    public Task<bool> TryHoldAsync(string channel, CancellationToken cancellationToken) => index.TryUseAsync(channel, cancellationToken);

    /// <summary>The channel's thread, which <see cref="TryHoldAsync"/> holds, or null; it may be asked for right behind that. Renews the expiry of the thread, of its metadata and of the channel's owner.</summary>
    /// <exception cref="RedisServerException">The thread's key holds something of another type.</exception>
    public async Task<FoundThread?> FindAsync(string channel, CancellationToken cancellationToken)
    {
        var (threadKey, metadataKey) = (ThreadKeys.Thread(redis.Prefix, channel), ThreadKeys.Metadata(redis.Prefix, channel));
        var thread = ReadAsync(threadKey, cancellationToken);
        var metadata = TryAsync(metadataKey, () => ReadAsync(metadataKey, cancellationToken));
        await Task.WhenAll(TryAsync(threadKey, () => thread), metadata, owners.KeepAsync(channel, _expiry, cancellationToken));

        // Throws where another program keeps something else there: that is not written over.
        return ThreadId.IsCurrent(await thread) ? new FoundThread((await thread)!, await metadata ?? "") : null;
    }

    /// <summary>Notes that a thread that was found is used for messages: counts them as <see cref="CountMessagesAsync"/> does, and enters the channel into the index.</summary>
    public async Task RecordUseAsync(string channel, FoundThread found, IReadOnlyList<string> messageIds, CancellationToken cancellationToken)
    {
        var counted = await CountAsync(channel, messageIds, found.Metadata, cancellationToken);
        await index.RecordAsync([counted with { ThreadId = found.Id }], replacesThread: false, cancellationToken);
    }

    /// <summary>Sets the channel's thread. Metadata that exists stays; else it is made, with no messages yet.</summary>
    public async Task SaveAsync(string channel, string threadId, CancellationToken cancellationToken)
    {
        var metadata = await ChangeMetadataAsync(channel, static (_, _) => false, current: null, cancellationToken);

        // The index comes first: a thread that it does not know would never be deleted at OpenAI.
        await index.RecordAsync([new IndexEntry(channel, threadId, metadata is null ? Now() : metadata.LastActivity, metadata?.Messages)], replacesThread: true, cancellationToken);
        await redis.RunAsync(
            database => database.ExecuteAsync("SET", ThreadKeys.Thread(redis.Prefix, channel), threadId, "EX", _expiry),
            cancellationToken);
        await owners.KeepAsync(channel, _expiry, cancellationToken);
    }

    /// <summary>Counts messages in the metadata and marks the channel as active now. Those up to the last one counted are not counted again.</summary>
    public async Task CountMessagesAsync(string channel, IReadOnlyList<string> messageIds, CancellationToken cancellationToken) =>
        await index.RecordAsync([await CountAsync(channel, messageIds, current: null, cancellationToken)], replacesThread: false, cancellationToken);

    private async Task<IndexEntry> CountAsync(string channel, IReadOnlyList<string> messageIds, string? current, CancellationToken cancellationToken)
    {
        var metadata = await ChangeMetadataAsync(channel, (read, now) => read.Count(messageIds, now), current, cancellationToken);
        return new IndexEntry(channel, null, metadata is null ? Now() : metadata.LastActivity, metadata?.Messages);
    }

    /// <summary>
    /// Makes the metadata if it is missing, changes it, and renews it, as one step for whoever else reads and writes it. Null where somebody else keeps
    /// something of another type there.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="change">Answers whether there is anything to write.</param>
    /// <param name="current">What was read, and renewed, just now, empty for nothing; null reads it.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    private Task<ThreadMetadata?> ChangeMetadataAsync(
        string channel, Func<ThreadMetadata, double, bool> change, string? current, CancellationToken cancellationToken)
    {
        var key = ThreadKeys.Metadata(redis.Prefix, channel);
        return TryAsync<ThreadMetadata>(key, async () => await ChangeAsync(channel, key, change, current ?? await ReadAsync(key, cancellationToken) ?? "", cancellationToken));
    }

    private async Task<ThreadMetadata> ChangeAsync(
        string channel, RedisKey key, Func<ThreadMetadata, double, bool> change, string current, CancellationToken cancellationToken)
    {
        for (var write = 0; write < MaxWrites; write++)
        {
            var now = Now();
            var metadata = current.Length > 0 ? ThreadMetadata.Parse(current) : null;
            var changed = metadata is null;
            metadata ??= ThreadMetadata.New(now);
            changed |= change(metadata, now);
            if (!changed)
            {
                return metadata;
            }

            var other = await redis.EvaluateAsync(Replace, [key], [current, metadata.ToString(), _expiry], cancellationToken);
            if (other.IsNull)
            {
                if (current.Length > 0 && ThreadMetadata.Parse(current) is null)
                {
                    logger.MetadataReplaced(channel);
                }

                return metadata;
            }

            current = (string)other!;
        }

        throw new TimeoutException($"The metadata of a channel changed {MaxWrites} times while it was being written.");
    }

    /// <summary>Null, and said, where the key holds something of another type.</summary>
    private async Task<T?> TryAsync<T>(RedisKey key, Func<Task<T?>> call)
        where T : class
    {
        try
        {
            return await call();
        }
        catch (RedisServerException e) when (RedisFault.IsWrongType(e))
        {
            logger.KeyUnreadable(key.ToString());
            return null;
        }
    }

    private async Task<string?> ReadAsync(RedisKey key, CancellationToken cancellationToken) =>
        (string?)await redis.EvaluateAsync(ReadAndRenew, [key], [_expiry], cancellationToken);

    private double Now() => clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
}

/// <param name="Id">The thread's id.</param>
/// <param name="Metadata">The channel's metadata as it stood; empty for none.</param>
internal sealed record FoundThread(string Id, string Metadata);
