using System.Text.Json;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Approvals;

/// <summary>What a person said to a call of a tool.</summary>
/// <param name="Approved">Whether it may be carried out.</param>
/// <param name="Reason">Why not, or why, if the person said so; not trusted.</param>
/// <param name="By">Who, as <c>issuer:id</c>.</param>
internal sealed record ApprovalDecision(bool Approved, string? Reason, string By);

/// <summary>What became of a decision.</summary>
internal enum ApprovalOutcome
{
    /// <summary>It counts.</summary>
    Taken,

    /// <summary>No such call waits, or waited, for one.</summary>
    Unknown,

    /// <summary>Somebody has decided already, or it is too late.</summary>
    Over,
}

/// <summary>
/// The calls that wait for a person, in Redis, where the first decision on each is kept: it counts although the event that tells the orchestration is lost,
/// since that looks here now and then.
/// </summary>
internal sealed class ApprovalDesk(RedisConnection redis, TurnQueue turns, UpdateLog log, ILogger<ApprovalDesk> logger)
{
    private const string Pending = "pending";
    private const string Closed = "closed";
    private static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    private const string OpenScript = """
        redis.call('HSETNX', KEYS[1], ARGV[1], 'pending')
        redis.call('EXPIRE', KEYS[1], ARGV[2])
        """;

    /// <summary>Answers what stood there before: nothing for a call that is not known.</summary>
    private const string DecideScript = """
        local was = redis.call('HGET', KEYS[1], ARGV[1])
        if was == 'pending' then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
        return was
        """;

    /// <summary>The event by which the orchestration hears of a decision.</summary>
    public static string EventOf(string callId) => "Approval:" + callId;

    public static RedisKey Key(string prefix, MessageAddress address) =>
        $"{RedisKeys.ForChannel(prefix, "approval", address.Channel)}:{address.Attempt}:{address.MessageId}";

    /// <summary>Lets a call be decided on. Doing so again is harmless.</summary>
    public Task OpenAsync(MessageAddress address, string callId, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(OpenScript, [Key(redis.Prefix, address)], [callId, (long)Kept.TotalSeconds], cancellationToken);

    /// <summary>What was decided; null while nothing was.</summary>
    public async Task<ApprovalDecision?> FindAsync(MessageAddress address, string callId, CancellationToken cancellationToken)
    {
        var state = (string?)await redis.RunAsync(database => database.HashGetAsync(Key(redis.Prefix, address), callId), cancellationToken);
        return Read(state);
    }

    /// <summary>Takes no decision on the call any more, and answers the one that came in time.</summary>
    public async Task<ApprovalDecision?> CloseAsync(MessageAddress address, string callId, CancellationToken cancellationToken) =>
        Read((string?)await redis.EvaluateAsync(DecideScript, [Key(redis.Prefix, address)], [callId, Closed], cancellationToken));

    /// <summary>Takes a decision on a call of the newest attempt at a message.</summary>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<ApprovalOutcome> DecideAsync(
        string channel, string messageId, string callId, ApprovalDecision decision, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (await turns.FindAttemptAsync(channel, messageId, cancellationToken) is not { } attempt)
        {
            return ApprovalOutcome.Unknown;
        }

        var address = new MessageAddress(channel, messageId, attempt);
        var isOver = await log.IsOverAsync(address, cancellationToken);
        var was = (string?)await redis.EvaluateAsync(
            DecideScript, [Key(redis.Prefix, address)], [callId, isOver ? Closed : JsonSerializer.Serialize(decision, CosmoJson.Options)], cancellationToken);
        if (was is not null && was != Closed && !isOver)
        {
            // Also where somebody else was first: that event may have been lost.
            await TellAsync(address, callId, Read(was) ?? decision, client, cancellationToken);
        }

        if (was != Pending || isOver)
        {
            return was is null ? ApprovalOutcome.Unknown : ApprovalOutcome.Over;
        }

        logger.CallDecided(messageId, callId, decision.Approved, decision.By);
        return ApprovalOutcome.Taken;
    }

    /// <summary>Null for a call on which nothing was decided.</summary>
    private static ApprovalDecision? Read(string? state) =>
        state is null or Pending or Closed ? null : JsonSerializer.Deserialize<ApprovalDecision>(state, CosmoJson.Options);

    private async Task TellAsync(MessageAddress address, string callId, ApprovalDecision decision, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var instanceId = AnswerStarter.InstanceId(address);
        try
        {
            if (await client.GetInstanceAsync(instanceId, cancellationToken) is { IsCompleted: false })
            {
                await client.RaiseEventAsync(instanceId, EventOf(callId), decision, cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The decision is kept; the orchestration finds it.
            logger.DecisionNotTold(e, address.MessageId, callId);
        }
    }
}
