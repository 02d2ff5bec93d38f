using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Feedback;

/// <summary>What users think of answers: the last word on each. Redis keeps the newest 10,000, for 90 days, or until their channel is deleted.</summary>
internal sealed class FeedbackLedger(RedisConnection redis, TimeProvider clock)
{
    public const int KeptDays = 90;
    public const int MaxKept = 10_000;

    private const int ReadAtOnce = 500;

    private const string GiveScript = """
        local entries, times = KEYS[1], KEYS[2]
        local id, now, seconds, most = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
        redis.call('HSET', entries, id, ARGV[2])
        redis.call('ZADD', times, now, id)
        local function forget(ids)
          for _, one in ipairs(ids) do
            redis.call('HDEL', entries, one)
            redis.call('ZREM', times, one)
          end
        end
        forget(redis.call('ZRANGEBYSCORE', times, '-inf', now - seconds * 1000))
        forget(redis.call('ZRANGE', times, 0, -1 - most))
        redis.call('EXPIRE', entries, seconds)
        redis.call('EXPIRE', times, seconds)
        """;

    private const string ForgetScript = """
        for _, id in ipairs(ARGV) do
          redis.call('HDEL', KEYS[1], id)
          redis.call('ZREM', KEYS[2], id)
        end
        """;

    private static readonly TimeSpan Kept = TimeSpan.FromDays(KeptDays);

    private RedisKey Entries => redis.Prefix + "{feedback}:entries";

    private RedisKey Times => redis.Prefix + "{feedback}:times";

    /// <summary>Keeps what somebody thinks of an answer, in the place of what was said of it before.</summary>
    public async Task GiveAsync(GivenFeedback feedback, CancellationToken cancellationToken)
    {
        // First what a deletion finds it by.
        var key = ChannelKey(feedback.Channel);
        await redis.RunAsync(
            async database =>
            {
                await database.SetAddAsync(key, feedback.MessageId);
                return await database.KeyExpireAsync(key, Kept);
            },
            cancellationToken);
        await redis.EvaluateAsync(
            GiveScript,
            [Entries, Times],
            [Id(feedback.Channel, feedback.MessageId), JsonSerializer.Serialize(feedback, CosmoJson.Options), feedback.At.ToUnixTimeMilliseconds(), (long)Kept.TotalSeconds, MaxKept],
            cancellationToken);
    }

    /// <summary>The newest first, and whether there are more than asked for.</summary>
    /// <param name="days">Of so many days.</param>
    /// <param name="rating">Only these; null for all.</param>
    /// <param name="most">So many at most.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<(IReadOnlyList<GivenFeedback> Feedback, bool IsTruncated)> ReadAsync(int days, string? rating, int most, CancellationToken cancellationToken)
    {
        var since = (clock.GetUtcNow() - TimeSpan.FromDays(days)).ToUnixTimeMilliseconds();
        var ids = await redis.RunAsync(database => database.SortedSetRangeByScoreAsync(Times, since, double.PositiveInfinity, order: Order.Descending), cancellationToken);
        var found = new List<GivenFeedback>();
        foreach (var some in ids.Chunk(ReadAtOnce))
        {
            var entries = await redis.RunAsync(database => database.HashGetAsync(Entries, some), cancellationToken);
            found.AddRange(entries.Where(entry => !entry.IsNull).Select(entry => JsonSerializer.Deserialize<GivenFeedback>((string)entry!, CosmoJson.Options)!)
                .Where(one => rating is null || one.Rating == rating));
            if (found.Count > most)
            {
                return ([.. found.Take(most)], true);
            }
        }

        return (found, false);
    }

    /// <summary>Erases what was said of a channel's answers.</summary>
    public async Task ForgetAsync(string channel, CancellationToken cancellationToken)
    {
        var messages = await redis.RunAsync(database => database.SetMembersAsync(ChannelKey(channel)), cancellationToken);
        foreach (var some in messages.Chunk(ReadAtOnce))
        {
            await redis.EvaluateAsync(ForgetScript, [Entries, Times], [.. some.Select(message => (RedisValue)Id(channel, message!))], cancellationToken);
        }

        await redis.RunAsync(database => database.KeyDeleteAsync(ChannelKey(channel)), cancellationToken);
    }

    private RedisKey ChannelKey(string channel) => RedisKeys.ForChannel(redis.Prefix, "feedback", channel);

    /// <summary>No two messages have the same, whatever is in their names.</summary>
    private static string Id(string channel, string messageId) => string.Create(CultureInfo.InvariantCulture, $"{channel.Length}:{channel}:{messageId}");
}

/// <param name="Rating"><see cref="Up"/> or <see cref="Down"/>.</param>
/// <param name="Comment">What was said besides, or null.</param>
/// <param name="User">Who says it, as <c>issuer:id</c>; null where nobody had to sign in.</param>
internal sealed record GivenFeedback(
    string Channel,
    string MessageId,
    string Rating,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Comment,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? User)
{
    public const string Up = "up";
    public const string Down = "down";
}
