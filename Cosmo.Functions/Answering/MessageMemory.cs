using System.IO.Compression;
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

    /// <summary>Longer than a dead letter is tried for.</summary>
    private static readonly TimeSpan BodyKept = TimeSpan.FromDays(2);

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

    /// <summary>Keeps the body as it came, for the dead letter: compressed, until it is forgotten or for two days after it was last asked for.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task KeepBodyAsync(MessageAddress address, byte[] body, CancellationToken cancellationToken)
    {
        using var packed = new MemoryStream();
        using (var packing = new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            packing.Write(body);
        }

        await redis.RunAsync(database => database.StringSetAsync(BodyKey(address), packed.ToArray(), BodyKept), cancellationToken);
    }

    /// <summary>The body, or null if Redis has lost it.</summary>
    /// <inheritdoc cref="KeepBodyAsync" path="/exception" />
    public async Task<byte[]?> FindBodyAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        byte[]? packed = await redis.RunAsync(database => database.StringGetSetExpiryAsync(BodyKey(address), BodyKept), cancellationToken);
        if (packed is null)
        {
            return null;
        }

        using var body = new MemoryStream();
        using var unpacking = new BrotliStream(new MemoryStream(packed), CompressionMode.Decompress);
        unpacking.CopyTo(body);
        return body.ToArray();
    }

    /// <summary>The message needs no dead letter. Never fails: what is not forgotten expires.</summary>
    public async Task ForgetBodyAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await redis.RunAsync(database => database.KeyDeleteAsync(BodyKey(address)), cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisAway(e, address.MessageId);
        }
    }

    private RedisKey BodyKey(MessageAddress address) => $"{RedisKeys.ForChannel(redis.Prefix, "body", address.Channel)}:{address.Attempt}:{address.MessageId}";

    private async Task<string?> GetAsync(MessageAddress address, string field, CancellationToken cancellationToken) =>
        await PatientlyAsync(
            address, async () => (string?)await redis.RunAsync(database => database.HashGetAsync(Key(redis.Prefix, address), field), cancellationToken), cancellationToken);

    private Task<RedisResult> SetAsync(MessageAddress address, string field, string value, CancellationToken cancellationToken) =>
        PatientlyAsync(address, () => redis.EvaluateAsync(SetScript, [Key(redis.Prefix, address)], [field, value, KeptSeconds], cancellationToken), cancellationToken);

    private Task<T> PatientlyAsync<T>(MessageAddress address, Func<Task<T>> call, CancellationToken cancellationToken) =>
        RedisRetry.RunAsync(call, TimeSpan.MaxValue, clock, e => logger.RedisAway(e, address.MessageId), cancellationToken);
}
