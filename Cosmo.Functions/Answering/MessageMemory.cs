using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// What an activity that runs again after a crash must know of the time before, and texts that are too long for an orchestration's
/// history. Kept in Redis for two days. While Redis is away, calls wait for it until they are cancelled.
/// </summary>
internal sealed class MessageMemory(RedisConnection redis, TimeProvider clock, ILogger<MessageMemory> logger)
{
    /// <summary>Longer than an answer may take that waits for a person.</summary>
    private const int KeptSeconds = 2 * 86_400;

    /// <summary>Longer than a dead letter is tried for.</summary>
    public static readonly TimeSpan BodyKept = TimeSpan.FromDays(2);

    private const string SetScript = """
        redis.call('HSET', KEYS[1], unpack(ARGV, 2))
        redis.call('EXPIRE', KEYS[1], ARGV[1])
        """;

    /// <summary>So many calls of a channel are known to have been claimed, the newest, and so long: a call without an output is one of the last.</summary>
    private const int ClaimsKept = 100;
    private const int ClaimsKeptSeconds = 90 * 86_400;

    private const string ClaimScript = """
        redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        redis.call('EXPIRE', KEYS[1], ARGV[3])
        redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
        redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[6])
        redis.call('EXPIRE', KEYS[2], ARGV[7])
        return redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2]
        """;

    private const string KeepScript = """
        redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
        redis.call('EXPIRE', KEYS[1], ARGV[3])
        return redis.call('HGET', KEYS[1], ARGV[1])
        """;

    public static string Key(string prefix, MessageAddress address) =>
        $"{RedisKeys.ForChannel(prefix, "message", address.Channel)}:{address.Attempt}:{address.MessageId}";

    /// <summary>The id of the response that was begun in a round, or null.</summary>
    public Task<string?> FindResponseAsync(MessageAddress address, int round, CancellationToken cancellationToken) =>
        GetAsync(address, $"response:{round}", cancellationToken);

    public Task RememberResponseAsync(MessageAddress address, int round, string responseId, CancellationToken cancellationToken) =>
        SetAsync(address, cancellationToken, $"response:{round}", responseId);

    /// <summary>The id of the response that was begun last, or null.</summary>
    public async Task<string?> FindLastResponseAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        const string field = "response:";
        var fields = await redis.RunAsync(database => database.HashGetAllAsync(Key(redis.Prefix, address)), cancellationToken);
        return fields.Where(one => one.Name.StartsWith(field)).OrderByDescending(one => int.Parse(((string)one.Name!)[field.Length..], CultureInfo.InvariantCulture))
            .Select(one => (string?)one.Value).FirstOrDefault();
    }

    /// <summary>What the answer had come to at the end of a round.</summary>
    public async Task<AnswerSoFar> FindSoFarAsync(MessageAddress address, int round, CancellationToken cancellationToken)
    {
        var fields = await PatientlyAsync(
            address, () => redis.RunAsync(database => database.HashGetAsync(Key(redis.Prefix, address), [$"text:{round}", $"usage:{round}", $"items:{round}", $"calls:{round}"]), cancellationToken),
            cancellationToken);
        return new((string?)fields[0] ?? "", fields[1].IsNull ? null : JsonSerializer.Deserialize<TokenUsage>((string)fields[1]!, CosmoJson.Options))
        {
            MessageIds = ((string?)fields[2] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries),
            CallIds = ((string?)fields[3] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries),
        };
    }

    public Task RememberSoFarAsync(MessageAddress address, int round, AnswerSoFar answer, CancellationToken cancellationToken) => SetAsync(
        address, cancellationToken, $"text:{round}", answer.Text, $"usage:{round}", JsonSerializer.Serialize(answer.Usage, CosmoJson.Options), $"items:{round}", string.Join(' ', answer.MessageIds), $"calls:{round}", string.Join(' ', answer.CallIds));

    /// <summary>
    /// What the user had been shown of an answer when its end began, as whoever asked first knew it: the end takes it out of the log. Does not wait for Redis.
    /// </summary>
    public async Task<string> KeepShownAsync(MessageAddress address, string shown, CancellationToken cancellationToken) =>
        (string)(await redis.EvaluateAsync(KeepScript, [Key(redis.Prefix, address)], ["shown", shown, KeptSeconds], cancellationToken))!;

    /// <summary>
    /// Claims a call of a tool that is made once only. False where another try had claimed it; its output, if it came to one, is kept as
    /// <see cref="FindOutputAsync"/> gives it.
    /// </summary>
    public async Task<bool> ClaimCallAsync(MessageAddress address, string callId, CancellationToken cancellationToken)
    {
        // So that a claim whose answer was lost on the way is known again.
        var claim = Guid.NewGuid().ToString("n");
        return (bool)await PatientlyAsync(
            address,
            () => redis.EvaluateAsync(
                ClaimScript,
                [Key(redis.Prefix, address), ClaimsKey(redis.Prefix, address.Channel)],
                [$"call:{callId}", claim, KeptSeconds, callId, clock.GetUtcNow().ToUnixTimeMilliseconds(), ClaimsKept, ClaimsKeptSeconds],
                cancellationToken),
            cancellationToken);
    }

    /// <summary>Whether a call, of whichever message of the channel, was claimed. Does not wait for Redis.</summary>
    public async Task<bool> IsClaimedAsync(string channel, string callId, CancellationToken cancellationToken) =>
        await redis.RunAsync(database => database.SortedSetScoreAsync(ClaimsKey(redis.Prefix, channel), callId), cancellationToken) is not null;

    /// <summary>The calls of a channel that were claimed last.</summary>
    public static RedisKey ClaimsKey(string prefix, string channel) => RedisKeys.ForChannel(prefix, "calls", channel);

    /// <summary>What a call of a tool that is made once only gave, or null.</summary>
    public Task<string?> FindOutputAsync(MessageAddress address, string callId, CancellationToken cancellationToken) =>
        GetAsync(address, $"output:{callId}", cancellationToken);

    public Task RememberOutputAsync(MessageAddress address, string callId, string output, CancellationToken cancellationToken) =>
        SetAsync(address, cancellationToken, $"output:{callId}", output);

    /// <summary>The body of a message as it is kept with its turn, for its dead letter: until it is answered, or for two days after it was last asked for.</summary>
    public static byte[] Pack(byte[] body)
    {
        using var packed = new MemoryStream();
        using (var packing = new BrotliStream(packed, CompressionLevel.Fastest))
        {
            packing.Write(body);
        }

        return packed.ToArray();
    }

    /// <summary>Null for what another program has put there.</summary>
    private static byte[]? Unpack(byte[] packed)
    {
        try
        {
            using var body = new MemoryStream();
            using var unpacking = new BrotliStream(new MemoryStream(packed), CompressionMode.Decompress);
            unpacking.CopyTo(body);
            return body.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The body, or null if Redis has lost it.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<byte[]?> FindBodyAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        byte[]? packed = await redis.RunAsync(database => database.StringGetSetExpiryAsync(BodyKey(redis.Prefix, address), BodyKept), cancellationToken);
        return packed is null ? null : Unpack(packed);
    }

    public static RedisKey BodyKey(string prefix, MessageAddress address) => $"{RedisKeys.ForChannel(prefix, "body", address.Channel)}:{address.Attempt}:{address.MessageId}";

    private async Task<string?> GetAsync(MessageAddress address, string field, CancellationToken cancellationToken) =>
        await PatientlyAsync(
            address, async () => (string?)await redis.RunAsync(database => database.HashGetAsync(Key(redis.Prefix, address), field), cancellationToken), cancellationToken);

    private Task<RedisResult> SetAsync(MessageAddress address, CancellationToken cancellationToken, params RedisValue[] pairs) =>
        PatientlyAsync(address, () => redis.EvaluateAsync(SetScript, [Key(redis.Prefix, address)], [KeptSeconds, .. pairs], cancellationToken), cancellationToken);

    private Task<T> PatientlyAsync<T>(MessageAddress address, Func<Task<T>> call, CancellationToken cancellationToken) =>
        RedisRetry.RunAsync(call, TimeSpan.MaxValue, clock, e => logger.RedisFailed(e, address.MessageId), cancellationToken);
}

/// <param name="Text">All its text; empty while there is none.</param>
/// <param name="Usage">What it used, where that is known.</param>
internal sealed record AnswerSoFar(string Text, TokenUsage? Usage)
{
    /// <summary>The ids of the model's items in which the text stands.</summary>
    public IReadOnlyList<string> MessageIds { get; init; } = [];

    /// <summary>The ids of the calls of its last round: by them it is found in the conversation where it has no text.</summary>
    public IReadOnlyList<string> CallIds { get; init; } = [];
}
