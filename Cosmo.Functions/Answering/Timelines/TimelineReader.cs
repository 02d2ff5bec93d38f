using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Timelines;

/// <summary>Tells one answer from what is recorded: the history of its orchestration, and the log of updates while that has it.</summary>
internal sealed class TimelineReader(TurnQueue turns, UpdateLog log)
{
    /// <summary>The timeline; null where the Durable store has no orchestration of the message: it was refused before, or its history was purged.</summary>
    /// <param name="attempt">Which replay, from 1; null for the newest that is known.</param>
    /// <exception cref="Grpc.Core.RpcException">The Durable store is away.</exception>
    /// <exception cref="StackExchange.Redis.RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<AnswerTimeline?> ReadAsync(string channel, string messageId, int? attempt, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var address = new MessageAddress(channel, messageId, attempt ?? await turns.FindAttemptAsync(channel, messageId, cancellationToken) ?? 1);
        var instanceId = AnswerStarter.InstanceId(address);
        if (await client.GetInstanceAsync(instanceId, getInputsAndOutputs: false, cancellationToken) is not { } instance)
        {
            return null;
        }

        var steps = new AnswerSteps(await client.GetOrchestrationHistoryAsync(instanceId, cancellationToken));
        var updates = (await log.ReadAsync(channel, 0, cancellationToken)).Select(update => update.Payload).Where(update => update.MessageId == messageId);
        return Of(address, instance.RuntimeStatus.ToString().ToLowerInvariant(), steps, OfAttempt(updates, steps.Input?.ReceivedAt ?? instance.CreatedAt));
    }

    /// <param name="status">The orchestration's status.</param>
    /// <param name="steps">Its history.</param>
    /// <param name="updates">What the log has of the attempt; none when it has nothing any more.</param>
    public static AnswerTimeline Of(MessageAddress address, string status, AnswerSteps steps, IReadOnlyList<UpdatePayload> updates)
    {
        var final = updates.LastOrDefault(update => update.FinalMessage);
        var told = steps.All.LastOrDefault(step => step is { Kind: TimelineStep.Fail } or { Kind: TimelineStep.Round, State: "done", Detail: AnswerSteps.Whole });
        return new AnswerTimeline(
            address.Channel,
            address.MessageId,
            address.Attempt,
            AnswerStarter.InstanceId(address),
            status,
            steps.Result?.Outcome,
            steps.Result?.Cause,
            steps.Result is { Outcome: "completed" } ? null : steps.Reason ?? final?.ErrorDetails,
            steps.ThreadId ?? updates.Select(update => update.ThreadId).LastOrDefault(id => id is not null),
            steps.Input?.ReceivedAt,
            steps.All.FirstOrDefault(step => step.Kind == TimelineStep.Round)?.BeganAt,
            steps.All.Select(step => step.FirstTextAt).FirstOrDefault(at => at is not null) ?? TimeOf(updates.FirstOrDefault(update => update.Status == "responding")),
            TimeOf(final) ?? told?.EndedAt,
            [.. steps.All.Select(step => WithEnd(step, updates))],
            updates.Count == 0 ? null : [.. updates.Select(Describe)]);
    }

    /// <summary>The updates of one attempt at a message: each ends with its final one.</summary>
    private static List<UpdatePayload> OfAttempt(IEnumerable<UpdatePayload> updates, DateTimeOffset receivedAt)
    {
        var ofAttempt = new List<UpdatePayload>();
        foreach (var update in updates)
        {
            ofAttempt.Add(update);
            if (update.FinalMessage && TimeOf(update) >= receivedAt)
            {
                break;
            }

            if (update.FinalMessage)
            {
                ofAttempt.Clear();
            }
        }

        return ofAttempt;
    }

    /// <summary>How a call of a tool ended is told to the client alone.</summary>
    private static TimelineStep WithEnd(TimelineStep step, IReadOnlyList<UpdatePayload> updates) =>
        step.Kind == TimelineStep.Tool && updates.Select(update => update.Tool).LastOrDefault(tool => tool?.CallId == step.CallId && tool is { Seconds: not null }) is { } ended
            ? step with { State = ended.State, Seconds = ended.Seconds }
            : step;

    private static ToldUpdate Describe(UpdatePayload update) => new(
        TimeOf(update)!.Value, update.Sequence, update.Status, update.Type, update.FinalMessage, update.Tool is { } tool ? $"{tool.Name}: {tool.State}" : null);

    private static DateTimeOffset? TimeOf(UpdatePayload? update) => update is null ? null : DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(update.Timestamp * 1000));
}
