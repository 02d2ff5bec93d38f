using System.Collections.Concurrent;
using System.Text.Json;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <inheritdoc />
internal sealed class UpdatePublisher(
    UpdateLog log,
    WebPubSubServiceClient webPubSub,
    IOptions<DeliveryOptions> options,
    TimeProvider clock,
    ILogger<UpdatePublisher> logger) : IUpdatePublisher
{
    /// <summary>How long the final update is tried; within the time that a turn has left after its deadline.</summary>
    private static readonly TimeSpan FinalPatience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<MessageAddress, Task> _sentSoon = new();

    public async Task<bool> PublishAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken)
    {
        if (_sentSoon.TryGetValue(address, out var before))
        {
            await before;
        }

        Update? update;
        try
        {
            update = (await log.RecordAsync(address, payload, once, cancellationToken)).ToSend;
        }
        catch (Exception e) when (payload.FinalMessage && e is RedisException or TimeoutException)
        {
            // Without Redis there is no fence, but a client that hears nothing is worse off than one that hears the end twice.
            logger.FinalUpdateWithoutRedis(e, address.MessageId);
            await SendAsync(Unrecorded(address.Channel, payload), FinalPatience, cancellationToken);
            return true;
        }

        if (update is null)
        {
            return false;
        }

        await (payload.FinalMessage ? SendFinalAsync(address, update, cancellationToken) : SendAsync(update, TimeSpan.Zero, cancellationToken));
        return true;
    }

    public async Task<string?> FindEndAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        if (await log.FindEndAsync(address, cancellationToken) is not { } end)
        {
            return null;
        }

        if (end is { IsSent: false, Update: { } update })
        {
            await SendFinalAsync(address, update, cancellationToken);
        }

        return end.Update?.Payload.Status ?? "";
    }

    public void SendSoon(MessageAddress address, Update update)
    {
        var sending = SendAsync(update, TimeSpan.Zero, CancellationToken.None);
        _sentSoon[address] = sending;
        _ = sending.ContinueWith(
            _ => _sentSoon.TryRemove(new(address, sending)), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    public async Task PublishRejectionAsync(string channel, UpdatePayload payload, CancellationToken cancellationToken)
    {
        Update update;
        try
        {
            update = (await log.RecordUnfencedAsync(channel, payload, cancellationToken)).ToSend!;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.FinalUpdateWithoutRedis(e, payload.MessageId ?? "(unknown)");
            update = Unrecorded(channel, payload);
        }

        await SendAsync(update, TimeSpan.Zero, cancellationToken);
    }

    public Task<bool> IsOverAsync(MessageAddress address, CancellationToken cancellationToken) => log.IsOverAsync(address, cancellationToken);

    public Task<string?> FindTextAsync(MessageAddress address, CancellationToken cancellationToken) => log.FindTextAsync(address, cancellationToken);

    private async Task SendFinalAsync(MessageAddress address, Update update, CancellationToken cancellationToken)
    {
        if (!await SendAsync(update, FinalPatience, cancellationToken))
        {
            return;
        }

        try
        {
            await log.MarkFinalSentAsync(address, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // It was sent. A failure here would send it once more.
            logger.FinalUpdateNotMarked(e, address.MessageId);
        }
    }

    private Update Unrecorded(string channel, UpdatePayload payload) =>
        new(channel, payload with { Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 });

    private async Task<bool> SendAsync(Update update, TimeSpan patience, CancellationToken cancellationToken)
    {
        var group = GroupName.For(update.Channel);
        var body = JsonSerializer.SerializeToUtf8Bytes(update, CosmoJson.Options);
        var backoff = new Backoff(FirstWait, LongestWait, clock) { Until = Backoff.After(patience, clock) };
        while (true)
        {
            using var limit = new TimeLimit(TimeSpan.FromSeconds(options.Value.SendTimeoutSeconds), clock, cancellationToken);
            try
            {
                var context = new Azure.RequestContext { CancellationToken = limit.Token };
                await webPubSub.SendToGroupAsync(group, RequestContent.Create(body), ContentType.ApplicationJson, context: context);
                Telemetry.UpdatesSent.Add(1);
                return true;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.SendFailed(e, update.Payload.Status, update.Payload.MessageId, backoff.Try);
            }

            if (!await backoff.WaitAsync(null, cancellationToken))
            {
                return false;
            }
        }
    }
}
