using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// What leads AG-UI clients back to a message beside its own id: the calls of its tools that waited for a person when a run ended, and the runs in which they were decided on.
/// The newest of a channel, in Redis, for two days.
/// </summary>
internal sealed class RunAliases(RedisConnection redis, TimeProvider clock)
{
    /// <summary>As long as a message is known to have been taken in; longer than anybody may take to decide.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    private const int Most = 200;

    private const string RememberScript = """
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
        for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(ARGV[4]))) do
          redis.call('HDEL', KEYS[1], oldest)
          redis.call('ZREM', KEYS[2], oldest)
        end
        redis.call('EXPIRE', KEYS[1], ARGV[5])
        redis.call('EXPIRE', KEYS[2], ARGV[5])
        """;

    public Task<string?> FindByCallAsync(string channel, string callId, CancellationToken cancellationToken) => FindAsync(channel, OfCall(callId), cancellationToken);

    public Task<string?> FindByRunAsync(string channel, string runId, CancellationToken cancellationToken) => FindAsync(channel, OfRun(runId), cancellationToken);

    public Task RememberCallAsync(string channel, string callId, string messageId, CancellationToken cancellationToken) =>
        RememberAsync(channel, OfCall(callId), messageId, cancellationToken);

    public Task RememberRunAsync(string channel, string runId, string messageId, CancellationToken cancellationToken) =>
        RememberAsync(channel, OfRun(runId), messageId, cancellationToken);

    public static RedisKey[] Keys(string prefix, string channel) => [RedisKeys.ForChannel(prefix, "runs", channel), RedisKeys.ForChannel(prefix, "runs-by-age", channel)];

    private Task<string?> FindAsync(string channel, string alias, CancellationToken cancellationToken) =>
        redis.RunAsync(async database => (string?)await database.HashGetAsync(Keys(redis.Prefix, channel)[0], alias), cancellationToken);

    private Task<RedisResult> RememberAsync(string channel, string alias, string messageId, CancellationToken cancellationToken) => redis.EvaluateAsync(
        RememberScript, Keys(redis.Prefix, channel), [alias, messageId, clock.GetUtcNow().ToUnixTimeMilliseconds(), Most, (long)Kept.TotalSeconds], cancellationToken);

    private static string OfCall(string callId) => "call:" + callId;

    private static string OfRun(string runId) => "run:" + runId;
}
