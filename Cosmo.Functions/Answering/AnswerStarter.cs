using System.Security.Cryptography;
using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering.History;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Assistants.Profiles;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>Starts the orchestration of a message: once, however often the message is delivered.</summary>
internal sealed class AnswerStarter(
    TurnQueue turns,
    TurnRelease turn,
    MessageLimits limits,
    ProfileCatalog profiles,
    Cancellation cancellation,
    MessageDirectory directory,
    MessageHistory history,
    GroupKeeper groups,
    IUpdatePublisher updates,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<AnswerStarter> logger)
{
    /// <summary>What the ids of all orchestrations of messages begin with.</summary>
    public const string IdPrefix = "answer-";

    /// <summary>
    /// A message is answered once, so no instance of its id is replaced: neither one that runs, nor, as would be the default, one that has ended.
    /// </summary>
    public static readonly OrchestrationRuntimeStatus[] AnyStatus =
    [
        OrchestrationRuntimeStatus.Pending,
        OrchestrationRuntimeStatus.Running,
        OrchestrationRuntimeStatus.Suspended,
        OrchestrationRuntimeStatus.Completed,
        OrchestrationRuntimeStatus.Failed,
        OrchestrationRuntimeStatus.Terminated,
    ];

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>How long the Durable store may take to answer once.</summary>
    private static readonly TimeSpan StoreLimit = TimeSpan.FromSeconds(15);

    private bool Merges => options.Value.WhenBusy == AnsweringOptions.Merge;

    /// <summary>
    /// The orchestration's id: it follows from the message, and fits the limits of every Durable backend (100 characters, no <c>/ \ # ?</c>).
    /// </summary>
    public static string InstanceId(MessageAddress address)
    {
        var identity = JsonSerializer.SerializeToUtf8Bytes(new object[] { address.Channel, address.MessageId, address.Attempt });
        return IdPrefix + Convert.ToHexStringLower(SHA256.HashData(identity))[..40];
    }

    /// <summary>The limit that a message is over. One that was taken in before is no new one.</summary>
    /// <exception cref="RedisException">Redis is away or refuses.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    public async Task<ReachedLimit?> FindLimitAsync(MessageAddress address, Caller caller, CancellationToken cancellationToken) =>
        await limits.TakeAsync(address, caller, cancellationToken) is { } reached
        && await turns.FindAttemptAsync(address.Channel, address.MessageId, cancellationToken) != address.Attempt
            ? reached
            : null;

    /// <summary>Starts the answer, or finds that it was started before. Null, or why the message is refused.</summary>
    /// <param name="message">What is asked.</param>
    /// <param name="body">The message as it came, for its dead letter.</param>
    /// <param name="properties">The properties with which it came.</param>
    /// <param name="client">The Durable store.</param>
    /// <param name="patience">How long Redis and the Durable store are waited for; each is asked once in any case.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<Failure?> StartAsync(
        ChatMessage message, byte[] body, DeliveryProperties properties, DurableTaskClient client, TimeSpan patience, CancellationToken cancellationToken)
    {
        // A stranger has the built-in one.
        if (!profiles.TryFind(message.Caller is { IsSignedIn: false, IsTrustedProducer: false } ? null : message.Profile, out var profile))
        {
            return Failure.UnknownProfile(profile!);
        }

        var address = new MessageAddress(message.Channel, message.MessageId, properties.Attempt) { Profile = profile };
        var instanceId = InstanceId(address);
        var until = Backoff.After(patience, clock);
        try
        {
            if (properties.IsOfProducer)
            {
                await WaitForRedisAsync(() => groups.NameOwnerAsync(message.Channel, message.Caller, cancellationToken));
            }

            if (await WaitForRedisAsync(() => FindLimitAsync(address, message.Caller, cancellationToken)) is { } limit)
            {
                return Failure.OverLimit(limit);
            }

            if (message.Replaces is { } replaced && !await WaitForRedisAsync(() => HasHadAsync(message.Channel, replaced, cancellationToken)))
            {
                return Failure.UnknownMessage(replaced);
            }

            // What it replaces makes room for it.
            var mustNotWait = options.Value.WhenBusy == AnsweringOptions.Reject && message.Replaces is null;
            var ticket = Merges ? MergeTicket.Of(address, message, properties, clock.GetUtcNow()) : null;
            var taken = await WaitForRedisAsync(
                () => turns.TakeAsync(
                    address, message.Message, body, instanceId, mustNotWait ? 0 : options.Value.MaxWaiting, message.Replaces, ticket, cancellationToken));
            switch (taken.Place)
            {
                case TurnPlace.Taken:
                    return Failure.MessageIdTaken;
                case TurnPlace.Refused when await AskStoreAsync(
                    address, token => client.GetInstanceAsync(instanceId, getInputsAndOutputs: false, token), until, cancellationToken) is null:
                    return mustNotWait ? Failure.ChannelBusy : Failure.ChannelFull(options.Value.MaxWaiting);
                case TurnPlace.Known or TurnPlace.Refused:
                    logger.DeliveredAgain(address.MessageId);
                    return null;
            }

            var input = new AnswerInput(
                address,
                message.Message,
                message.Caller,
                Body: null,
                properties,
                Guid.NewGuid().ToString("N"),
                taken.Place is TurnPlace.Head,
                clock.GetUtcNow(),
                options.Value.Deadlines,
                options.Value.MaxToolRounds,
                TimeSpan.FromMinutes(options.Value.ApprovalMinutes))
            {
                Replaces = message.Replaces,
                Merges = Merges,
            };
            return await ScheduleAsync(input, instanceId, taken, client, until, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return Failure.Redis(e);
        }
        catch (DurableStoreAwayException)
        {
            return Failure.DurableStore;
        }

        Task<T> WaitForRedisAsync<T>(Func<Task<T>> call) => RedisRetry.RunAsync(call, patience, clock, e => logger.RedisFailed(e, address.MessageId), cancellationToken);
    }

    private async Task<Failure?> ScheduleAsync(
        AnswerInput input, string instanceId, TakenPlace taken, DurableTaskClient client, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var address = input.Address;
        var scheduling = AskStoreAsync(address, token => TryScheduleAsync(input, instanceId, client, token), until, cancellationToken);
        if (taken.Started is { } started)
        {
            updates.SendSoon(address, started);
        }

        var keepsPlace = false;
        var remembering = RememberAsync(address, cancellationToken);
        try
        {
            // A try that seemed to fail may have begun it. Of another delivery that came at the same time the place may be this one's, and the orchestration that one's.
            var (before, isUnderWay) = await scheduling;
            var isOurs = before is null || before.RunId == input.RunId;
            keepsPlace = isOurs || isUnderWay;
            if (!isOurs)
            {
                logger.DeliveredAgain(address.MessageId);
                return before!.Question == input.Question ? null : Failure.MessageIdTaken;
            }
        }
        finally
        {
            if (!keepsPlace && taken.IsNew)
            {
                await turn.GiveOnAsync(address, instanceId, isAnswered: false, client, CancellationToken.None);
            }

            await remembering;
        }

        if (taken.Place is TurnPlace.Waiting && (options.Value.WhenBusy == AnsweringOptions.Interrupt || input.Replaces is not null))
        {
            await MakeRoomAsync(input, instanceId, client, cancellationToken);
        }

        Telemetry.AnswersStarted.Add(1);
        logger.AnswerScheduled(address.MessageId, instanceId);
        return null;
    }

    /// <summary>Null when it is scheduled now, else what was scheduled under its id before, and whether that has not ended yet: it gives its place back itself.</summary>
    private static async Task<(AnswerInput? Before, bool IsUnderWay)> TryScheduleAsync(AnswerInput input, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(
                nameof(AnswerMessage), input, new StartOrchestrationOptions(instanceId).WithDedupeStatuses(AnyStatus), cancellationToken);
            return (null, true);
        }
        catch (OrchestrationAlreadyExistsException)
        {
            var before = await client.GetInstanceAsync(instanceId, getInputsAndOutputs: true, cancellationToken);
            return (before?.SerializedInput is null ? input with { RunId = "" } : before.ReadInputAs<AnswerInput>(), before is { IsCompleted: false });
        }
    }

    /// <exception cref="DurableStoreAwayException">It stayed away.</exception>
    private async Task<T> AskStoreAsync<T>(MessageAddress address, Func<CancellationToken, Task<T>> ask, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstWait, LongestWait, clock) { Until = until };
        while (true)
        {
            using var limit = new TimeLimit(StoreLimit, clock, cancellationToken);
            try
            {
                return await ask(limit.Token);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.DurableStoreAway(e, address.MessageId);
            }

            if (!await backoff.WaitAsync(null, cancellationToken))
            {
                throw new DurableStoreAwayException();
            }
        }
    }

    /// <summary>Cancels what stands before the message: all of it, or what it replaces. What is not cancelled is waited for.</summary>
    private async Task MakeRoomAsync(AnswerInput input, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var address = input.Address;
        try
        {
            var before = await turns.FindBeforeAsync(address, instanceId, cancellationToken);
            var replaced = options.Value.WhenBusy != AnsweringOptions.Interrupt ? await FindReplacedAsync(address.Channel, input.Replaces!, cancellationToken) : null;
            foreach (var other in before.Where(other => replaced?.Contains(other) != false))
            {
                await cancellation.RequestAsync(address.Channel, other, client, cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NotInterrupted(e, address.MessageId);
        }
    }

    /// <summary>The orchestrations of a message that is replaced, and of all that came after it.</summary>
    private async Task<HashSet<string>> FindReplacedAsync(string channel, string messageId, CancellationToken cancellationToken)
    {
        if (await turns.FindAttemptAsync(channel, messageId, cancellationToken) is not { } attempt)
        {
            return [];
        }

        var first = new MessageAddress(channel, messageId, attempt);
        var following = (await turns.FindFollowingAsync(first, cancellationToken)).Select(InstanceId).ToHashSet();
        if (await turns.FindLeaderAsync(first, cancellationToken) is { } leader)
        {
            following.Add(leader);
        }

        return following;
    }

    /// <summary>Whether a message was taken in lately, is among the newest that have ended, or was replaced.</summary>
    private async Task<bool> HasHadAsync(string channel, string messageId, CancellationToken cancellationToken) =>
        await turns.FindAttemptAsync(channel, messageId, cancellationToken) is not null || await history.HasHadAsync(channel, messageId, cancellationToken);

    /// <summary>Never fails: operators can name the channel.</summary>
    private async Task RememberAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await directory.RememberAsync(address, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotRemembered(e, address.MessageId);
        }
    }

    /// <summary>The Durable store did not do in time what it was asked for.</summary>
    private sealed class DurableStoreAwayException : Exception;
}
