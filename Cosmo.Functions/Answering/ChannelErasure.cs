using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Feedback;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// Erases what is kept of a channel's messages beside its thread: their orchestrations with question and answer, what activities remember, bodies, fences and the
/// update log. What is under way keeps all that it needs; it can be cancelled first.
/// </summary>
internal sealed class ChannelErasure(
    RedisConnection redis, TurnQueue turns, UpdateLog log, StopSignals stopSignals, Cancellation cancellation, MessageDirectory directory, MessageHistory history, FeedbackLedger feedback,
    TimeProvider clock)
{
    private const int AtOnce = 16;
    private const int ForgottenAtOnce = 100;

    /// <summary>How long answers that were cancelled may take to end.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    /// <summary>The messages of which something is kept.</summary>
    public Task<IReadOnlyList<MessageAddress>> FindAsync(string channel, CancellationToken cancellationToken) => turns.FindTakenAsync(channel, cancellationToken);

    /// <summary>Cancels what waits or is being answered, and waits some seconds for its end.</summary>
    public async Task CancelAsync(string channel, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var (_, underWay) = await LookAsync(channel, client, cancellationToken);
        foreach (var message in underWay)
        {
            await cancellation.RequestAsync(channel, message.InstanceId, client, cancellationToken);
        }

        using var limit = new TimeLimit(EndLimit, clock, cancellationToken);
        try
        {
            await Task.WhenAll(underWay.Where(message => message.IsStored).Select(message => client.WaitForInstanceCompletionAsync(message.InstanceId, limit.Token)));
        }
        catch (Exception) when (limit.IsOver && !cancellationToken.IsCancellationRequested)
        {
            // It goes on, such as with a dead letter that the broker does not take; what it leaves expires.
        }
    }

    /// <summary>Erases what is kept of the messages that are over. Doing so again is harmless.</summary>
    public async Task EraseAsync(string channel, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var (over, underWay) = await LookAsync(channel, client, cancellationToken);
        foreach (var some in over.Chunk(AtOnce))
        {
            await Task.WhenAll(some.Select(message => EraseAsync(message, client, cancellationToken)));
        }

        // Attempts at one message share what is known of its id.
        var busy = underWay.Select(message => message.Address.MessageId).ToHashSet();
        foreach (var some in over.Where(message => !busy.Contains(message.Address.MessageId)).Chunk(ForgottenAtOnce))
        {
            await turns.ForgetAsync(
                channel, [.. some.Select(message => (message.Address, message.InstanceId))], some.SelectMany(KeysOf), cancellationToken);
        }

        await turns.ForgetAsync(channel, [], [.. history.Keys(channel), .. RunAliases.Keys(redis.Prefix, channel), MessageMemory.ClaimsKey(redis.Prefix, channel)], cancellationToken);
        await feedback.ForgetAsync(channel, cancellationToken);

        // Numbers and updates of the channel are those of messages that were never taken too.
        if (underWay.Count == 0)
        {
            await turns.ForgetAsync(channel, [], log.KeysOf(channel), cancellationToken);
        }
    }

    private IEnumerable<RedisKey> KeysOf(Message message) => [ApprovalDesk.Key(redis.Prefix, message.Address), log.FenceKey(message.Address), stopSignals.Key(message.Address.Channel, message.InstanceId)];

    private async Task EraseAsync(Message message, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (message.IsStored)
        {
            await client.PurgeInstanceAsync(message.InstanceId, cancellationToken);
        }

        await directory.ForgetAsync(message.Address, cancellationToken);
    }

    private async Task<(IReadOnlyList<Message> Over, IReadOnlyList<Message> UnderWay)> LookAsync(
        string channel, DurableTaskClient client, CancellationToken cancellationToken)
    {
        // Places are read after the messages: one that has neither a place nor a running orchestration is over.
        var addresses = await turns.FindTakenAsync(channel, cancellationToken);
        var places = addresses.Count == 0 ? [] : await turns.FindPlacesAsync(channel, cancellationToken);
        var (over, underWay) = (new List<Message>(), new List<Message>());
        foreach (var some in addresses.Chunk(AtOnce))
        {
            foreach (var (message, instance) in await Task.WhenAll(some.Select(address => LookAsync(address, client, cancellationToken))))
            {
                // What this store does not know may be another worker's, or is about to be scheduled.
                var isUnderWay = instance is null ? places.Contains(message.InstanceId) : !instance.IsCompleted;
                (isUnderWay ? underWay : over).Add(message);
            }
        }

        return (over, underWay);
    }

    private async Task<(Message Message, OrchestrationMetadata? Instance)> LookAsync(MessageAddress address, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var instanceId = AnswerStarter.InstanceId(address);
        var instance = await client.GetInstanceAsync(instanceId, cancellationToken);
        var message = new Message(address, instanceId, instance is not null);
        if (instance is { IsCompleted: true } && await turns.FindLeaderAsync(address, cancellationToken) is { } leader
            && await client.GetInstanceAsync(leader, cancellationToken) is { IsCompleted: false } answering)
        {
            // What is asked together with another is under way as long as that one.
            return (message, answering);
        }

        return (message, instance);
    }

    /// <param name="IsStored">This worker's Durable store has its orchestration.</param>
    private sealed record Message(MessageAddress Address, string InstanceId, bool IsStored);
}
