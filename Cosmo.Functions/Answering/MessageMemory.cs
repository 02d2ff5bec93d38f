using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// What an activity that runs again after a crash must know of the time before, and texts that are too long for an orchestration's
/// history. Kept in Redis for a day. While Redis is away, calls wait for it until they are cancelled.
/// </summary>
internal sealed class MessageMemory(RedisConnection redis, TimeProvider clock, ILogger<MessageMemory> logger)
{
    private const int KeptSeconds = 86_400;

    private const string SetScript = """
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        redis.call('EXPIRE', KEYS[1], ARGV[3])
        """;

    public static string Key(string prefix, MessageAddress address) =>
        $"{RedisKeys.ForChannel(prefix, "message", address.Channel)}:{address.Attempt}:{address.MessageId}";

    /// <summary>The id of the response that was begun in a round, or null.</summary>
    public Task<string?> FindResponseAsync(MessageAddress address, int round, CancellationToken cancellationToken) =>
        GetAsync(address, $"response:{round}", cancellationToken);

    public Task RememberResponseAsync(MessageAddress address, int round, string responseId, CancellationToken cancellationToken) =>
        SetAsync(address, $"response:{round}", responseId, cancellationToken);

    /// <summary>All the text of the answer at the end of a round, or null.</summary>
    public Task<string?> FindTextAsync(MessageAddress address, int round, CancellationToken cancellationToken) =>
        GetAsync(address, $"text:{round}", cancellationToken);

    public Task RememberTextAsync(MessageAddress address, int round, string text, CancellationToken cancellationToken) =>
        SetAsync(address, $"text:{round}", text, cancellationToken);

    private async Task<string?> GetAsync(MessageAddress address, string field, CancellationToken cancellationToken) =>
        await PatientlyAsync(
            address, async () => (string?)await redis.RunAsync(database => database.HashGetAsync(Key(redis.Prefix, address), field), cancellationToken), cancellationToken);

    private Task<RedisResult> SetAsync(MessageAddress address, string field, string value, CancellationToken cancellationToken) =>
        PatientlyAsync(address, () => redis.EvaluateAsync(SetScript, [Key(redis.Prefix, address)], [field, value, KeptSeconds], cancellationToken), cancellationToken);

    private Task<T> PatientlyAsync<T>(MessageAddress address, Func<Task<T>> call, CancellationToken cancellationToken) =>
        RedisRetry.RunAsync(call, TimeSpan.MaxValue, clock, e => logger.RedisAway(e, address.MessageId), cancellationToken);
}
