using System.Globalization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>
/// Lets so many negotiations and events of one caller through in any 60 seconds: of a user, or of the address that a stranger comes from. One round trip to Redis,
/// and none where there is no limit. What is refused does not count. A Redis that does not answer within a second locks nobody out.
/// </summary>
internal sealed class RequestLimits(RedisConnection redis, UserNames names, IOptions<LimitOptions> options, TimeProvider clock, ILogger<RequestLimits> logger)
{
    /// <summary>Behind one address may be an office or a school: it has as much as so many users.</summary>
    private const int UsersAtAnAddress = 10;

    private const int Window = 60_000;

    /// <summary>
    /// Answers nothing for what is let through, else the milliseconds until there is room again. The list has the times of what was let through, the newest last,
    /// and no more of them than the limit: the oldest says whether there is room.
    /// </summary>
    private const string TakeScript = """
        local taken, most, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local oldest = redis.call('LINDEX', taken, -most)
        if oldest and oldest + window > now then return oldest + window - now end
        redis.call('RPUSH', taken, now)
        redis.call('LTRIM', taken, -most, -1)
        redis.call('PEXPIRE', taken, window)
        return false
        """;

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(1);

    /// <summary>Whether events are counted, so that whence a stranger's connection comes has to be known.</summary>
    public bool CountsEvents => options.Value.EventsPerMinute > 0;

    /// <summary>Null if the address of a channel may be asked for, else the limit that is reached.</summary>
    public Task<ReachedLimit?> TakeNegotiationAsync(string channel, Caller caller, CancellationToken cancellationToken) =>
        TakeAsync("negotiations", "negotiations", options.Value.NegotiationsPerMinute, channel, caller, cancellationToken);

    /// <summary>The same for an event over a connection. Each kind counts by itself: who sent too much may still cancel it.</summary>
    public Task<ReachedLimit?> TakeEventAsync(string kind, string channel, Caller caller, CancellationToken cancellationToken) =>
        TakeAsync($"events:{kind}", $"'{kind}' events", options.Value.EventsPerMinute, channel, caller, cancellationToken);

    private async Task<ReachedLimit?> TakeAsync(string counter, string what, int ofUser, string channel, Caller caller, CancellationToken cancellationToken)
    {
        if (ofUser == 0)
        {
            return null;
        }

        var most = caller.IsSignedIn ? ofUser : ofUser * UsersAtAnAddress;
        using var limit = new TimeLimit(AnswerLimit, clock, cancellationToken);
        try
        {
            var left = await redis.EvaluateAsync(TakeScript, [$"{redis.Prefix}rate:{counter}:{Subject.Of(channel, caller, names)[0]}"], [most, Window], limit.Token);
            return left.IsNull
                ? null
                : new($"The limit of {most.ToString(CultureInfo.InvariantCulture)} {what} a minute", clock.GetUtcNow() + TimeSpan.FromMilliseconds((long)left));
        }
        catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            logger.NotCounted(e);
            return null;
        }
    }
}
