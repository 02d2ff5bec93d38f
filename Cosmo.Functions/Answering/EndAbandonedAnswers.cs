using System.Text.Json;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using DurableTask.Core.Exceptions;
using DurableTask.Core.History;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering;

/// <summary>
/// Timer: an orchestration that failed as a whole, since no host could run it or its code could not replay it, or that somebody terminated, has left its message
/// without an end. It is begun anew, for nothing but that: when its turn comes, the message ends as one that failed, and is kept as a dead letter. An activity of it
/// that still runs is told to stop, since the model answers one question of a conversation at a time.
/// </summary>
internal sealed class EndAbandonedAnswers(
    TurnQueue turns, TurnRelease turn, IUpdatePublisher updates, StopSignals stopSignals, TimeProvider clock, ILogger<EndAbandonedAnswers> logger)
{
    private const string IdDigits = "0123456789abcdef";

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(5);

    /// <summary>Messages that were taken in longer ago are left to operators: Redis soon knows no more whose they are.</summary>
    private static readonly TimeSpan Oldest = TimeSpan.FromHours(36);

    private static readonly OrchestrationRuntimeStatus[] Abandoned = [OrchestrationRuntimeStatus.Failed, OrchestrationRuntimeStatus.Terminated];

    /// <summary>What stands in none of these may be replaced.</summary>
    private static readonly OrchestrationRuntimeStatus[] Others = [.. AnswerStarter.AnyStatus.Except(Abandoned)];

    [Function(nameof(EndAbandonedAnswers))]
    public async Task RunAsync([TimerTrigger("0 */10 * * * *")] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        using var limit = new TimeLimit(LongestRun, clock, context.CancellationToken);
        try
        {
            var first = (int)(clock.GetUtcNow().ToUnixTimeSeconds() / Period.TotalSeconds % IdDigits.Length);
            foreach (var digit in IdDigits[first..] + IdDigits[..first])
            {
                await EndAsync(AnswerStarter.IdPrefix + digit, client, limit.Token);
            }
        }
        catch (OperationCanceledException) when (limit.IsOver)
        {
            // A store that has so many of them. The next run begins elsewhere.
        }
    }

    private async Task EndAsync(string idPrefix, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var query = new OrchestrationQuery(clock.GetUtcNow() - Oldest, Statuses: Abandoned, InstanceIdPrefix: idPrefix, PageSize: 100, FetchInputsAndOutputs: true);
        await foreach (var instance in client.GetAllInstancesAsync(query).WithCancellation(cancellationToken))
        {
            try
            {
                if (await ReadAsync(instance, client, cancellationToken) is { } input)
                {
                    await EndAsync(input, instance.InstanceId, client, cancellationToken);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // It keeps the others from nothing.
                logger.AbandonedNotEnded(e, instance.InstanceId);
            }
        }
    }

    private async Task EndAsync(AnswerInput input, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var claim = await turns.ClaimAsync(input.Address, input.RunId, cancellationToken);
        if (claim == MessageClaim.Anothers)
        {
            return;
        }

        await stopSignals.StopAsync(input.Address.Channel, instanceId, cancellationToken);

        // An end that was recorded and never left is sent by this.
        var end = claim == MessageClaim.Over ? await updates.FindEndAsync(input.Address, cancellationToken) : null;
        if (end is not null)
        {
            await turn.GiveOnAsync(input.Address, instanceId, isAnswered: end == Updates.CompletedStatus, client, cancellationToken);
        }

        input = input with { Abandoned = input.Abandoned! with { End = end } };
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(
                nameof(AnswerMessage), input, new StartOrchestrationOptions(instanceId).WithDedupeStatuses(Others), cancellationToken);
            logger.AnswerAbandoned(input.Address.MessageId, instanceId, input.Abandoned!.Reason);
        }
        catch (OrchestrationAlreadyExistsException)
        {
            // Another instance of the app was faster.
        }
    }

    /// <summary>What it is given now; null for one that is too old.</summary>
    private async Task<AnswerInput?> ReadAsync(OrchestrationMetadata instance, DurableTaskClient client, CancellationToken cancellationToken) =>
        instance.ReadInputAs<AnswerInput>() is not { } input || input.ReceivedAt < clock.GetUtcNow() - Oldest ? null : input with
        {
            HasTurn = false,
            Abandoned = input.Abandoned ?? new AbandonedAnswer(
                // An exception's text may hold what the message says.
                $"Its orchestration was {instance.RuntimeStatus.ToString().ToLowerInvariant()}: {instance.FailureDetails?.ErrorType ?? "no reason is known"}",
                instance.SerializedCustomStatus is null ? null : instance.ReadCustomStatusAs<AnswerStatus>(),
                input.Merges ? ReadMerged(await client.GetOrchestrationHistoryAsync(instance.InstanceId, cancellationToken)) : null),
        };

    /// <summary>What the orchestration was told to have been merged; Redis may have lost it. Null for nothing, and for what cannot be read.</summary>
    private static List<MergedMessage>? ReadMerged(IEnumerable<HistoryEvent> history)
    {
        try
        {
            // More than one try may have told.
            var told = history.OfType<EventRaisedEvent>().Where(raised => raised.Name == AnswerMessage.MessagesMerged)
                .SelectMany(raised => JsonSerializer.Deserialize<IReadOnlyList<MergedMessage>>(raised.Input ?? "[]", JsonSerializerOptions.Web) ?? []);
            return told.DistinctBy(message => message.Address).ToList() is { Count: > 0 } merged ? merged : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
