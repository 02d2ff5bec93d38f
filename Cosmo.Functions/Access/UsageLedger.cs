using System.Globalization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>What the model's service says that an answer used, in tokens; summed over its rounds.</summary>
/// <param name="InputTokens">What it read, what was cached included.</param>
/// <param name="CachedInputTokens">What of that it had read before, and charges less for.</param>
/// <param name="OutputTokens">What it wrote, thoughts included.</param>
/// <param name="Model">The model, or on Azure the deployment, that was asked.</param>
/// <param name="Rounds">How many responses it made.</param>
internal sealed record TokenUsage(long InputTokens, long CachedInputTokens, long OutputTokens, string Model, int Rounds)
{
    /// <summary>The usage of an answer that goes on.</summary>
    public static TokenUsage? Sum(TokenUsage? before, TokenUsage? round) => before is null || round is null
        ? round ?? before
        : new(
            before.InputTokens + round.InputTokens,
            before.CachedInputTokens + round.CachedInputTokens,
            before.OutputTokens + round.OutputTokens,
            round.Model,
            before.Rounds + round.Rounds);
}

/// <summary>By what usage can be added up.</summary>
internal enum UsageDimension
{
    User,
    Channel,
    Profile,
    Model,
}

/// <param name="Key">The user as <c>issuer:id</c>, the channel, profile or model; null for messages without a user.</param>
internal sealed record UsageRow(string? Key, long Messages, long InputTokens, long CachedInputTokens, long OutputTokens);

/// <summary>
/// Adds up what was used, for each day (UTC) and each user, channel, profile and model, in Redis. A response is counted once, however often it is reported within
/// an hour, and a message with its first response. A day keeps 10,000 keys of a kind; what comes then is added up under one.
/// </summary>
internal sealed class UsageLedger(RedisConnection redis, UserNames names, IOptions<LimitOptions> options, TimeProvider clock)
{
    /// <summary>The key of what is more than a day keeps.</summary>
    public const string Others = "(others)";

    private const int MostKeys = 10_000;
    private const int SeenSeconds = 3 * 3600;
    private const string CodeOfOthers = "*";

    /// <summary>Has the response, and its message, been counted in this hour or the one before?</summary>
    private const string CountScript = """
        local seen, before = KEYS[1], KEYS[2]
        local response, message, kept, most, perDay = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
        local function isNew(member) return redis.call('SISMEMBER', before, member) == 0 and redis.call('SADD', seen, member) == 1 end
        if not isNew(response) then return 0 end
        local amounts = {m = isNew(message) and 1 or 0, i = ARGV[6], c = ARGV[7], o = ARGV[8]}
        redis.call('EXPIRE', seen, ARGV[9])
        for kind = 1, 4 do
          local rows, key = KEYS[2 + kind], ARGV[9 + kind]
          if redis.call('HEXISTS', rows, 'm:' .. key) == 0 and redis.call('HLEN', rows) >= 4 * most then key = '*' end
          for metric, amount in pairs(amounts) do redis.call('HINCRBY', rows, metric .. ':' .. key, amount) end
          redis.call('EXPIRE', rows, kept)
        end
        if perDay ~= '0' then
          for subject = 7, #KEYS do
            redis.call('INCRBY', KEYS[subject], ARGV[6] + ARGV[8])
            redis.call('EXPIRE', KEYS[subject], 2 * 86400)
          end
        end
        return 1
        """;

    /// <summary>Counts a response. Doing so again is harmless.</summary>
    /// <param name="responseId">The response; unique.</param>
    /// <param name="address">The message that it belongs to.</param>
    /// <param name="caller">Who asked.</param>
    /// <param name="profile">Which profile answers.</param>
    /// <param name="usage">What the response used.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    public Task CountAsync(
        string responseId, MessageAddress address, Caller caller, string profile, TokenUsage usage, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        var day = DateOnly.FromDateTime(now);
        return redis.EvaluateAsync(
            CountScript,
            [
                SeenKey(now), SeenKey(now.AddHours(-1)), .. Enum.GetValues<UsageDimension>().Select(dimension => RowsKey(day, dimension)),
                .. Subject.Of(address.Channel, caller, names).Select(subject => TokensKey(redis.Prefix, day, subject)),
            ],
            [
                responseId, Subject.MemberOf(address),
                options.Value.UsageDays * 86_400L, MostKeys, options.Value.TokensPerDay,
                usage.InputTokens, usage.CachedInputTokens, usage.OutputTokens, SeenSeconds,
                Code(caller.IsSignedIn ? names.Of(caller) : null), Code(address.Channel), Code(profile), Code(usage.Model),
            ],
            cancellationToken);
    }

    /// <summary>What was used in some days, most output first.</summary>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    public async Task<IReadOnlyList<UsageRow>> ReadAsync(DateOnly from, DateOnly to, UsageDimension dimension, int most, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<string, UsageRow>();
        for (var day = from; day <= to; day = day.AddDays(1))
        {
            var key = RowsKey(day, dimension);
            foreach (var field in await redis.RunAsync(database => database.HashGetAllAsync(key), cancellationToken))
            {
                var name = (string)field.Name!;
                var code = name[2..];
                var row = rows.GetValueOrDefault(code) ?? new UsageRow(Decode(code), 0, 0, 0, 0);
                var amount = (long)field.Value;
                rows[code] = name[0] switch
                {
                    'm' => row with { Messages = row.Messages + amount },
                    'i' => row with { InputTokens = row.InputTokens + amount },
                    'c' => row with { CachedInputTokens = row.CachedInputTokens + amount },
                    _ => row with { OutputTokens = row.OutputTokens + amount },
                };
            }
        }

        return [.. rows.Values.OrderByDescending(row => row.OutputTokens).ThenByDescending(row => row.Messages).ThenBy(row => row.Key, StringComparer.Ordinal).Take(most)];
    }

    /// <summary>What a user, or a channel, used in a day; one number, since a limit asks for it before each message.</summary>
    public static RedisKey TokensKey(string prefix, DateOnly day, string subject) => $"{prefix}{{usage}}:tokens:{Day(day)}:{subject}";

    private static string Code(string? key) => key is null ? "" : "=" + key;

    private static string? Decode(string code) => code switch
    {
        "" => null,
        CodeOfOthers => Others,
        _ => code[1..],
    };

    private static string Day(DateOnly day) => day.ToString("yyyyMMdd", CultureInfo.InvariantCulture);

    private RedisKey SeenKey(DateTime hour) => $"{redis.Prefix}{{usage}}:seen:{hour.ToString("yyyyMMddHH", CultureInfo.InvariantCulture)}";

    private RedisKey RowsKey(DateOnly day, UsageDimension dimension) => $"{redis.Prefix}{{usage}}:{Day(day)}:{dimension.ToString().ToLowerInvariant()}";
}
