using System.Globalization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>
/// Lets so many negotiations and events of one caller through in a minute, which begins with the first of them: of a user, or of the address that a stranger comes from. One round trip to Redis,
/// and none where there is no limit. A Redis that does not answer within a second locks nobody out.
/// </summary>
internal sealed class RequestLimits(RedisConnection redis, UserNames names, IOptions<LimitOptions> options, TimeProvider clock, ILogger<RequestLimits> logger)
{
    /// <summary>Behind one address may be an office or a school: it has as much as so many users.</summary>
    private const int UsersAtAnAddress = 10;

    private const int Window = 60_000;

    /// <summary>Answers nothing for what is let through, else the milliseconds until the minute is over.</summary>
    private const string TakeScript = """
        local count = redis.call('INCR', KEYS[1])
        local left = redis.call('PTTL', KEYS[1])
        if left < 0 then
          left = tonumber(ARGV[2])
          redis.call('PEXPIRE', KEYS[1], left)
        end
        if count > tonumber(ARGV[1]) then return left end
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
