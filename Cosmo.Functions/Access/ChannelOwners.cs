using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>
/// Whom channels belong to, in Redis: a hash a channel, in the slot of the channel's other keys. It lives as long as the channel's thread, which renews it; without one
/// for a day. Where a channel gets an owner that it did not have, that is noted until the others have been taken out of its group.
/// </summary>
internal sealed class ChannelOwners(RedisConnection redis, UserNames names, IOptions<AccessOptions> options, TimeProvider clock)
{
    /// <summary>Longer than the address of a channel opens a connection.</summary>
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>
    /// Gives a channel an owner in one of three ways: <c>claim</c> a channel that has none, for now; <c>name</c> the owner of one that has none, or one for now; <c>set</c>
    /// whatever it has. Answers whose it is, and what is noted: <c>new</c>, or <c>others</c> where another owner may have listened.
    /// </summary>
    private const string Give = """
        local key, who, now, life, way = KEYS[1], unpack(ARGV)
        local owner, provisional, previous = unpack(redis.call('HMGET', key, 'owner', 'provisional', 'previous'))
        if not (owner and (way == 'claim' or way == 'name' and not provisional)) then
          if owner ~= who then
            local other = owner and redis.sha1hex(owner) or previous
            redis.call('HSET', key, 'owner', who, 'unsettled', other and other ~= redis.sha1hex(who) and 'others' or 'new')
            redis.call('HDEL', key, 'previous')
          end
          if way == 'claim' then redis.call('HSET', key, 'provisional', '1') else redis.call('HDEL', key, 'provisional') end
        end
        redis.call('HSET', key, 'at', now)
        if redis.call('TTL', key) < tonumber(life) then redis.call('EXPIRE', key, life) end
        return redis.call('HMGET', key, 'owner', 'unsettled')
        """;

    private const string Keep = "if redis.call('HEXISTS', KEYS[1], 'owner') == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end";

    private const string Settle = "if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HDEL', KEYS[1], 'unsettled') end";

    /// <summary>Takes the owner of a channel away, unless it was named after this. Tokens of that owner may still open the group: who it was is noted, as a hash, while they may.</summary>
    private const string Forget = """
        local owner, at = unpack(redis.call('HMGET', KEYS[1], 'owner', 'at'))
        if not owner or tonumber(at or '0') > tonumber(ARGV[1]) then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('HSET', KEYS[1], 'previous', redis.sha1hex(owner))
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        return 1
        """;

    /// <summary>What is watched, for one worker at a time: the others find nothing.</summary>
    private const string TakeWatched = """
        if not redis.call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2]) then return {} end
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
        return redis.call('ZRANGE', KEYS[1], 0, -1)
        """;

    private RedisKey Watched => $"{redis.Prefix}{{owners}}:watched";

    private RedisKey Watching => $"{redis.Prefix}{{owners}}:watching";

    public Task<string?> FindAsync(string channel, CancellationToken cancellationToken) =>
        redis.RunAsync(async database => (string?)await database.HashGetAsync(KeyOf(channel), "owner"), cancellationToken);

    /// <summary>The owner of a channel that a user opens: this one, for now, if it has neither an owner nor a thread; null if it has a thread alone.</summary>
    public async Task<ChannelOwner?> FindOrClaimAsync(string channel, string user, CancellationToken cancellationToken)
    {
        var thread = redis.RunAsync(database => database.KeyExistsAsync(RedisKeys.Thread(redis.Prefix, channel)), cancellationToken);
        var found = redis.RunAsync(database => database.HashGetAsync(KeyOf(channel), ["owner", "unsettled"]), cancellationToken);
        await Task.WhenAll(thread, found);
        return Read(channel, await found) ?? (await thread ? null : await GiveAsync(channel, user, "claim", Day, cancellationToken));
    }

    /// <summary>The owner of a channel after a trusted producer's message named its user; null where that does not matter.</summary>
    public async Task<ChannelOwner?> NameAsync(string channel, Caller user, CancellationToken cancellationToken) =>
        options.Value.IsByOwner && user.IsSignedIn ? await GiveAsync(channel, names.Of(user), "name", Day, cancellationToken) : null;

    /// <summary>Makes somebody the owner of a channel, whoever was.</summary>
    /// <param name="life">How long the channel's thread lives, if it has one.</param>
    public Task<ChannelOwner> SetAsync(string channel, Caller user, TimeSpan? life, CancellationToken cancellationToken) =>
        GiveAsync(channel, names.Of(user), "set", life > Day ? life.Value : Day, cancellationToken);

    /// <summary>Says that the channel's thread lives so long from now on.</summary>
    public Task KeepAsync(string channel, int seconds, CancellationToken cancellationToken) =>
        options.Value.IsByOwner ? redis.EvaluateAsync(Keep, [KeyOf(channel)], [seconds], cancellationToken) : Task.CompletedTask;

    /// <summary>Takes the owner of a channel away whose thread is removed, unless it was named after this Unix second.</summary>
    public Task ForgetAsync(string channel, double latest, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(Forget, [KeyOf(channel)], [latest, (int)Day.TotalSeconds], cancellationToken);

    /// <summary>Others than its owner are not in the channel's group any more.</summary>
    public Task SettleAsync(ChannelOwner owner, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(Settle, [KeyOf(owner.Channel)], [owner.Name], cancellationToken);

    /// <summary>Has others than its owner kept out of the channel's group until this moment.</summary>
    public Task WatchAsync(string channel, DateTimeOffset until, CancellationToken cancellationToken) =>
        redis.RunAsync(database => database.SortedSetAddAsync(Watched, channel, until.ToUnixTimeMilliseconds()), cancellationToken);

    /// <summary>The channels that are to be watched now, and not by another worker.</summary>
    /// <param name="turn">How long no other worker gets them.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<IReadOnlyList<string>> TakeWatchedAsync(TimeSpan turn, CancellationToken cancellationToken) =>
        (string[])(await redis.EvaluateAsync(
            TakeWatched, [Watched, Watching], [clock.GetUtcNow().ToUnixTimeMilliseconds(), (long)turn.TotalMilliseconds], cancellationToken))!;

    private static ChannelOwner? Read(string channel, RedisValue[] fields) =>
        (string?)fields[0] is { } name ? new ChannelOwner(channel, name, !fields[1].IsNull, fields[1] == "others") : null;

    private async Task<ChannelOwner> GiveAsync(string channel, string name, string way, TimeSpan life, CancellationToken cancellationToken) => Read(
        channel,
        (RedisValue[])(await redis.EvaluateAsync(
            Give, [KeyOf(channel)], [name, clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0, (long)life.TotalSeconds, way], cancellationToken))!)!;

    private RedisKey KeyOf(string channel) => RedisKeys.ForChannel(redis.Prefix, "owner", channel);
}

/// <param name="Channel">The channel.</param>
/// <param name="Name">Whose it is.</param>
/// <param name="IsUnsettled">It has not been for long: others may be in the channel's group.</param>
/// <param name="HadAnother">It was another's before, whose tokens may open the group for a while.</param>
internal sealed record ChannelOwner(string Channel, string Name, bool IsUnsettled, bool HadAnother);
