using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads.Index;
using StackExchange.Redis;

namespace Cosmo.Functions.Threads;

/// <summary>Names of the threads' keys: the contract's (section 3), and the index beside them, whose keys share one hash slot.</summary>
internal static class ThreadKeys
{
    /// <summary>The thread id, a plain string.</summary>
    public static RedisKey Thread(string prefix, string channel) => RedisKeys.Thread(prefix, channel);

    /// <summary>A <see cref="ThreadMetadata"/> as JSON.</summary>
    public static RedisKey Metadata(string prefix, string channel) => MetadataStart(prefix) + channel;

    public static string ThreadStart(string prefix) => RedisKeys.Thread(prefix, "");

    public static string MetadataStart(string prefix) => prefix + "metadata:";

    /// <summary>A sorted set of all channels, scored by the Unix seconds of their last message.</summary>
    public static RedisKey Activity(string prefix) => prefix + "{threads}:activity";

    /// <summary>A sorted set of the channels that have metadata, scored by their messages.</summary>
    public static RedisKey Messages(string prefix) => prefix + "{threads}:messages";

    /// <summary>A hash from channel to thread id. It outlives the contract's keys, so that what stands at OpenAI can still be deleted.</summary>
    public static RedisKey Ids(string prefix) => prefix + "{threads}:ids";

    /// <summary>A hash: the sum of all messages, and when the index was last compared with the keys.</summary>
    public static RedisKey Totals(string prefix) => prefix + "{threads}:totals";

    /// <summary>A sorted set of threads that no channel has any more, scored by when that was noticed. See <see cref="AbandonedThread"/>.</summary>
    public static RedisKey Abandoned(string prefix) => prefix + "{threads}:abandoned";

    /// <summary>A sorted set of keys, without the prefix, that do not hold what the contract says, scored by when that was noticed.</summary>
    public static RedisKey Unreadable(string prefix) => prefix + "{threads}:unreadable";

    /// <summary>The channel of such a key.</summary>
    public static string ChannelOf(string unreadable) => unreadable[(unreadable.IndexOf(':') + 1)..];

    /// <summary>A sorted set of channels whose thread was just looked up, scored by when.</summary>
    public static RedisKey InUse(string prefix) => prefix + "{threads}:in_use";

    /// <summary>A sorted set of channels whose thread is being removed, scored by since when.</summary>
    public static RedisKey Leaving(string prefix) => prefix + "{threads}:leaving";
}
