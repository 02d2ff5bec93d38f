using System.Collections.Concurrent;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// In which channels somebody may listen in the second group, for what is new alone: a key in Redis, which the script that records an update reads along. It says until when
/// that is certain: as long as an address that was given opens a connection. A connection may listen for longer; so from then on Web PubSub is asked, once in a while and where
/// there is something to say, and the channel counts as listened to until it answers that nobody does.
/// </summary>
internal sealed class DeltaListeners(RedisConnection redis, WebPubSubServiceClient webPubSub, TimeProvider clock, ILogger<DeltaListeners> logger)
{
    /// <summary>For a connection that is opened at the last moment, and clocks that differ.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(5);

    /// <summary>How long an answer of Web PubSub that somebody listens holds.</summary>
    private static readonly TimeSpan Holds = TimeSpan.FromHours(1);

    /// <summary>A week longer than any address lives: who has listened for longer, while nothing was said and without another address, is not counted on.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(8);

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);

    private const string NoteScript = """
        local known = redis.call('GET', KEYS[1])
        if not known or tonumber(known) < tonumber(ARGV[1]) then known = ARGV[1] end
        redis.call('SET', KEYS[1], known, 'EX', ARGV[2])
        """;

    /// <summary>Unless an address was given meanwhile.</summary>
    private const string ForgetScript = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end";

    private readonly ConcurrentDictionary<string, bool> _asking = new();

    public static string Key(string prefix, string channel) => RedisKeys.ForChannel(prefix, "deltas", channel);

    /// <summary>Somebody is about to get an address that opens the second group until then.</summary>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public Task NoteAsync(string channel, DateTimeOffset until, CancellationToken cancellationToken) => redis.EvaluateAsync(
        NoteScript, [Key(redis.Prefix, channel)], [(until + Margin).ToUnixTimeMilliseconds(), (long)Kept.TotalSeconds], cancellationToken);

    /// <summary>Finds out whether anybody still listens, where that is not certain any more. Never fails.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="until">Until when it was, as Redis has it.</param>
    public async Task CheckAsync(string channel, DateTimeOffset until)
    {
        if (until > clock.GetUtcNow() || !_asking.TryAdd(channel, true))
        {
            return;
        }

        using var limit = new TimeLimit(AnswerLimit, clock);
        try
        {
            await (await IsHeardAsync(channel, limit.Token).WaitAsync(limit.Token)
                ? NoteAsync(channel, clock.GetUtcNow() + Holds, limit.Token)
                : redis.EvaluateAsync(ForgetScript, [Key(redis.Prefix, channel)], [until.ToUnixTimeMilliseconds()], limit.Token));
        }
        catch (Exception e)
        {
            logger.ListenersNotFound(e);
        }
        finally
        {
            _asking.TryRemove(channel, out _);
        }
    }

    private async Task<bool> IsHeardAsync(string channel, CancellationToken cancellationToken)
    {
        await foreach (var _ in webPubSub.ListConnectionsInGroupAsync(GroupName.ForDeltas(channel), maxCount: 1).WithCancellation(cancellationToken))
        {
            return true;
        }

        return false;
    }
}
