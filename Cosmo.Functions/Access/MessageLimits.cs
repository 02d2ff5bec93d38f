using System.Globalization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>Whose messages and tokens are counted together.</summary>
internal static class Subject
{
    /// <summary>The user, or the channel of a message without one; a stranger whose connection's source is known counts there as well.</summary>
    public static IReadOnlyList<string> Of(string channel, Caller caller, UserNames names) => caller switch
    {
        { IsSignedIn: true } => ["user:" + names.Of(caller)],
        { Source: { } source } => ["source:" + source, "channel:" + channel],
        _ => ["channel:" + channel],
    };

    /// <summary>A message, as one that was counted is remembered: no two have the same, whatever is in their names.</summary>
    public static string MemberOf(MessageAddress address) => $"{address.Attempt}:{address.MessageId.Length}:{address.MessageId}{address.Channel}";
}

/// <summary>A limit that is reached.</summary>
/// <param name="Text">Which one, as a clause.</param>
/// <param name="Ends">When it lets a message through again.</param>
internal sealed record ReachedLimit(string Text, DateTimeOffset Ends)
{
    public override string ToString() => $"{Text} is reached; it ends at {Ends.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}";

    /// <summary>As the answer to a request: 429, with the whole seconds until it ends as <c>Retry-After</c>.</summary>
    public IActionResult Answer(HttpRequest request, string title, DateTimeOffset now)
    {
        request.HttpContext.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling((Ends - now).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return HttpAnswers.Problem(StatusCodes.Status429TooManyRequests, title, $"{this}.");
    }
}

/// <summary>
/// Lets so many messages of a user through in a minute, and none any more in a day whose tokens are used up. One round trip to Redis, and none where there is no
/// limit. A message that was let through is let through again within the minute, and counts once; one that is not counts nowhere.
/// </summary>
internal sealed class MessageLimits(RedisConnection redis, UserNames names, IOptions<LimitOptions> options, TimeProvider clock)
{
    private const int Window = 60_000;

    /// <summary>Answers nothing for a message that is let through, else the milliseconds until its minute has room, or 0 for a day that is used up.</summary>
    private const string TakeScript = """
        local message, perMinute, perDay, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local uncounted = {}
        for i = 1, #KEYS, 2 do
          local minute, tokens = KEYS[i], KEYS[i + 1]
          redis.call('ZREMRANGEBYSCORE', minute, '-inf', now - window)
          if not redis.call('ZSCORE', minute, message) then
            if perDay > 0 and tonumber(redis.call('GET', tokens) or '0') >= perDay then return 0 end
            if perMinute > 0 and redis.call('ZCARD', minute) >= perMinute then
              return math.max(1, redis.call('ZRANGE', minute, 0, 0, 'WITHSCORES')[2] + window - now)
            end
            table.insert(uncounted, minute)
          end
        end
        for _, minute in ipairs(uncounted) do
          redis.call('ZADD', minute, now, message)
          redis.call('PEXPIRE', minute, window)
        end
        return false
        """;

    public bool IsUnlimited => options.Value is { MessagesPerMinute: 0, TokensPerDay: 0 };

    /// <summary>Null for a message that is let through, else the limit that it is over.</summary>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    public async Task<ReachedLimit?> TakeAsync(MessageAddress address, Caller caller, CancellationToken cancellationToken)
    {
        if (IsUnlimited)
        {
            return null;
        }

        var (perMinute, perDay) = (options.Value.MessagesPerMinute, options.Value.TokensPerDay);
        var now = clock.GetUtcNow();
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        var answer = await redis.EvaluateAsync(
            TakeScript,
            [
                .. Subject.Of(address.Channel, caller, names).SelectMany(subject =>
                    (RedisKey[])[$"{redis.Prefix}{{usage}}:minute:{subject}", UsageLedger.TokensKey(redis.Prefix, today, subject)]),
            ],
            [Subject.MemberOf(address), perMinute, perDay, Window],
            cancellationToken);
        return answer.IsNull ? null
            : (long)answer is var milliseconds && milliseconds > 0
                ? new($"The limit of {perMinute.ToString(CultureInfo.InvariantCulture)} messages a minute", now + TimeSpan.FromMilliseconds(milliseconds))
                : new($"The limit of {perDay.ToString(CultureInfo.InvariantCulture)} tokens a day", new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero));
    }
}
