using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
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
    Cancellation cancellation,
    MessageDirectory directory,
    IUpdatePublisher updates,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<AnswerStarter> logger)
{
    /// <summary>
    /// A message is answered once, so no instance of its id is replaced: neither one that runs, nor, as would be the default, one that has ended.
    /// </summary>
    private static readonly OrchestrationRuntimeStatus[] AnyStatus =
    [
        OrchestrationRuntimeStatus.Pending,
        OrchestrationRuntimeStatus.Running,
        OrchestrationRuntimeStatus.Suspended,
        OrchestrationRuntimeStatus.Completed,
        OrchestrationRuntimeStatus.Failed,
        OrchestrationRuntimeStatus.Terminated,
    ];

    private bool MustNotWait => options.Value.WhenBusy == AnsweringOptions.Reject;

    /// <summary>
    /// The orchestration's id: it follows from the message, and fits the limits of every Durable backend (100 characters, no <c>/ \ # ?</c>).
    /// </summary>
    public static string InstanceId(MessageAddress address)
    {
        var identity = JsonSerializer.SerializeToUtf8Bytes(new object[] { address.Channel, address.MessageId, address.Attempt });
        return "answer-" + Convert.ToHexStringLower(SHA256.HashData(identity))[..40];
    }

    /// <summary>Starts the answer, or finds that it was started before. Null, or why the message is refused.</summary>
    public async Task<Failure?> StartAsync(
        ChatMessage message, byte[] body, DeliveryProperties properties, DurableTaskClient client, CancellationToken cancellationToken)
    {
        var address = new MessageAddress(message.Channel, message.MessageId, properties.Attempt);
        var instanceId = InstanceId(address);
        using var activity = Telemetry.Source.StartActivity("receive message", ActivityKind.Consumer);
        var taken = await TakePlaceAsync(address, instanceId, cancellationToken);
        if (taken.Place is TurnPlace.Refused && await client.GetInstanceAsync(instanceId, getInputsAndOutputs: false, cancellationToken) is null)
        {
            return MustNotWait ? Failure.ChannelBusy : Failure.ChannelFull(options.Value.MaxWaiting);
        }

        if (taken.Place is TurnPlace.Known or TurnPlace.Refused)
        {
            logger.DeliveredAgain(address.MessageId);
            return null;
        }

        var input = new AnswerInput(
            address,
            message.Message,
            message.Caller,
            body,
            properties,
            Guid.NewGuid().ToString("N"),
            taken.Place is TurnPlace.Head,
            clock.GetUtcNow(),
            options.Value.Deadlines,
            options.Value.MaxToolRounds,
            activity?.Id ?? Activity.Current?.Id);
        if (taken.Started is { } started)
        {
            updates.SendSoon(address, started);
        }

        var remembering = RememberAsync(address, cancellationToken);
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(
                nameof(AnswerMessage), input, new StartOrchestrationOptions(instanceId).WithDedupeStatuses(AnyStatus), cancellationToken);
        }
        catch (Exception e)
        {
            if (taken.IsNew)
            {
                await turn.GiveOnAsync(address, instanceId, client, CancellationToken.None);
            }

            if (e is not OrchestrationAlreadyExistsException)
            {
                throw;
            }

            logger.DeliveredAgain(address.MessageId);
            return null;
        }
        finally
        {
            await remembering;
        }

        if (taken.Place is TurnPlace.Waiting && options.Value.WhenBusy == AnsweringOptions.Interrupt)
        {
            await InterruptAsync(address, instanceId, client, cancellationToken);
        }

        Telemetry.AnswersStarted.Add(1);
        logger.AnswerScheduled(address.MessageId, instanceId);
        return null;
    }

    private async Task<TakenPlace> TakePlaceAsync(MessageAddress address, string instanceId, CancellationToken cancellationToken)
    {
        try
        {
            return await turns.TakeAsync(address, instanceId, MustNotWait ? 0 : options.Value.MaxWaiting, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // The orchestration takes its place itself as soon as Redis is back.
            logger.NoPlaceTaken(e, address.MessageId);
            return new TakenPlace(TurnPlace.Waiting, IsNew: false, null);
        }
    }

    private async Task InterruptAsync(MessageAddress address, string instanceId, DurableTaskClient client, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var before in await turns.FindBeforeAsync(address, instanceId, cancellationToken))
            {
                await cancellation.RequestAsync(address.Channel, before, client, cancellationToken);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotInterrupted(e, address.MessageId);
        }
    }

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
}
