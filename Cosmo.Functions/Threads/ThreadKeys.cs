using StackExchange.Redis;

namespace Cosmo.Functions.Threads;

/// <summary>Names of the threads' keys (wire contract, section 3).</summary>
internal static class ThreadKeys
{
    /// <summary>The thread id, a plain string.</summary>
    public static RedisKey Thread(string prefix, string channel) => prefix + "thread:" + channel;

    /// <summary>A <see cref="ThreadMetadata"/> as JSON.</summary>
    public static RedisKey Metadata(string prefix, string channel) => prefix + "metadata:" + channel;

    /// <summary>A sorted set of all channels, scored by the Unix seconds of their last message.</summary>
    public static RedisKey Index(string prefix) => prefix + "threads";
}
