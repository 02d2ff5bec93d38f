using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <inheritdoc />
internal sealed class UpdatePublisher(
    UpdateLog log,
    PublisherConnection connection,
    WebPubSubServiceClient webPubSub,
    DeltaListeners deltas,
    IOptions<DeliveryOptions> options,
    TimeProvider clock,
    ILogger<UpdatePublisher> logger) : IUpdatePublisher
{
    /// <summary>How long the final update is tried; within the time that a turn has left after its deadline.</summary>
    private static readonly TimeSpan FinalPatience = TimeSpan.FromSeconds(30);

    /// <summary>So long Redis has for an answer when it is asked once more, by the machine's own clock as all calls of Redis.</summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>How long an update that is not final is tried, from before it was recorded on; who misses it can ask for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>So long after it was recorded no process sends such an update any more.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(4);

    /// <summary>How long a final update lets what this process has under way for its message finish.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly string _spanName = $"send {options.Value.Hub}";
    private readonly ConcurrentDictionary<MessageAddress, Task> _sentSoon = new();
    private readonly ConcurrentDictionary<(MessageAddress Address, long Sequence), (Task Sending, CancellationTokenSource Cut)> _underWay = new();

    public async Task<bool> PublishAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken)
    {
        if (!payload.FinalMessage)
        {
            var until = clock.GetUtcNow() + Patience;
            if ((await log.RecordAsync(address, payload, once, cancellationToken)).ToSend is not { } passing)
            {
                return false;
            }

            await SendUntilAsync(address, [ToBoth(passing, begin: 0)], until, cancellationToken);
            return true;
        }

        var own = UnderWay(address);
        RecordedUpdate recorded;
        try
        {
            recorded = await RecordFinalAsync(address, payload, once, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // Without Redis there is no fence, but a client that hears nothing is worse off than one that hears the end twice.
            logger.FinalUpdateWithoutRedis(e, address.MessageId);
            await CutOffAsync(address);
            await SendAsync(Unrecorded(address.Channel, payload), FinalPatience, cancellationToken);
            return true;
        }

        if (recorded.ToSend is not { } update)
        {
            return false;
        }

        await LetSettleAsync(address, recorded.Unsettled.Where(one => !own.Contains(one.Sequence)), cancellationToken);
        await SendFinalAsync(address, update, cancellationToken);
        return true;
    }

    public async Task<ToldText?> PublishTextAsync(
        MessageAddress address, UpdatePayload payload, ToldText told, UpdatePayload? status, CancellationToken cancellationToken)
    {
        var until = clock.GetUtcNow() + Patience;
        var (before, recorded) = status is null
            ? (default, await log.RecordAsync(address, payload, once: null, cancellationToken))
            : await log.RecordBothAsync(address, status, payload, cancellationToken);
        if (recorded.ToSend is not { } update)
        {
            return null;
        }

        var begin = recorded.TextBefore == told.Sequence ? told.Length : 0;
        var text = ToBoth(update, begin);
        var isTold = await SendUntilAsync(address, before.ToSend is { } said ? [ToBoth(said, begin: 0), text] : [text], until, cancellationToken);
        return new ToldText(update.Payload.Sequence!.Value, isTold && text.Delta is not null ? UpdatePayload.EndOf(payload.Message) : begin);
    }

    public async Task<string?> FindEndAsync(MessageAddress address, CancellationToken cancellationToken)
    {
        if (await log.FindEndAsync(address, cancellationToken) is not { } end)
        {
            return null;
        }

        if (end is { IsSent: false, Update: { } update })
        {
            await LetSettleAsync(address, end.Unsettled, cancellationToken);
            await SendFinalAsync(address, update, cancellationToken);
        }

        return end.Update?.Payload.Status ?? "";
    }

    public void SendSoon(MessageAddress address, Update update)
    {
        var sending = SendUntilAsync(address, [ToBoth(update, begin: 0)], clock.GetUtcNow() + Patience, CancellationToken.None);
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

    /// <summary>What goes to those who listen for what is new alone; null where nobody does, or there is nothing new.</summary>
    /// <param name="whole">What goes to everybody else.</param>
    /// <param name="begin">Of a text: so much of it has reached them.</param>
    private Parcel? DeltaOf(Parcel whole, int begin)
    {
        var update = whole.Update;
        if (update.DeltasUntil is not { } until)
        {
            return null;
        }

        _ = deltas.CheckAsync(update.Channel, until);
        var group = GroupName.ForDeltas(update.Channel);
        return !update.Payload.IsText ? whole with { Group = group }
            : UpdatePayload.EndOf(update.Payload.Message) is var end && end > begin ? new Parcel(group, update, update.WriteDelta(begin, end))
            : null;
    }

    private Parcels ToBoth(Update update, int begin)
    {
        var whole = WholeOf(update);
        return new(whole, DeltaOf(whole, begin));
    }

    private static Parcel WholeOf(Update update) => new(GroupName.For(update.Channel), update, JsonSerializer.SerializeToUtf8Bytes(update, CosmoJson.Options));

    /// <summary>
    /// Sends what is not final, in its order, after what is sent soon of the same message before it, but not behind a final update of this process, and no longer than until then. Answers
    /// whether the last reached those who listen for what is new alone.
    /// </summary>
    private async Task<bool> SendUntilAsync(MessageAddress address, IReadOnlyList<Parcels> updates, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var before = _sentSoon.GetValueOrDefault(address, Task.CompletedTask);

        // Not disposed: whoever cuts it off may come late.
        var cut = new CancellationTokenSource();
        using var limit = new TimeLimit(until - clock.GetUtcNow(), clock, cut.Token, cancellationToken);
        var telling = SendNextAsync([.. updates.Select(update => update.Delta).OfType<Parcel>()]);
        var sending = Task.WhenAll(SendNextAsync([.. updates.Select(update => update.Whole)]), telling);
        var keys = updates.Select(update => (address, update.Whole.Update.Payload.Sequence ?? 0)).ToList();
        keys.ForEach(key => _underWay[key] = (sending, cut));
        try
        {
            if ((await sending).Contains(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            return await telling;
        }
        finally
        {
            keys.ForEach(key => _ = SettleAsync(key));
        }

        async Task<bool> SendNextAsync(IReadOnlyList<Parcel> parcels)
        {
            await before;
            return await SendInOrderAsync(parcels, 1, limit.Token);
        }
    }

    /// <summary>Sends to one group; each leaves right behind the one before it. Answers whether the last arrived. Never throws: what was not sent can be asked for.</summary>
    private Task<bool> SendInOrderAsync(IReadOnlyList<Parcel> parcels, int number, CancellationToken cancellationToken)
    {
        var confirmed = parcels.Select(parcel => connection.TrySendAsync(parcel.Group, parcel.Body, cancellationToken)).ToList();
        var before = Task.FromResult(true);
        foreach (var (place, parcel) in parcels.Index())
        {
            before = SendOnceAsync(parcel, number, confirmed[place], IsDueAsync(before, confirmed.ElementAtOrDefault(place + 1)), cancellationToken);
        }

        return before;

        // By REST it goes after the one before it, and not behind the next one.
        static async Task<bool> IsDueAsync(Task before, Task<bool>? next)
        {
            await before;
            return next is null || !await next;
        }
    }

    private async Task SettleAsync((MessageAddress Address, long Sequence) key)
    {
        try
        {
            await log.SettleAsync(key.Address, key.Sequence);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            // A final update from elsewhere waits for it a little.
        }

        _underWay.TryRemove(key, out _);
    }

    private HashSet<long> UnderWay(MessageAddress address) => [.. _underWay.Where(one => one.Key.Address == address).Select(one => one.Key.Sequence)];

    /// <summary>
    /// The fence is closed: nothing more is recorded for the message. Before its final update leaves, what was recorded before has left, or its request was
    /// given up: in this process that is seen to, and others are waited for, since a client that looks at no sequence would take late text for news.
    /// </summary>
    private async Task LetSettleAsync(MessageAddress address, IEnumerable<UnsettledUpdate> unsettled, CancellationToken cancellationToken)
    {
        var own = await CutOffAsync(address);
        var wait = unsettled.Where(update => !own.Contains(update.Sequence)).Select(update => Settled - update.Age).DefaultIfEmpty().Max();
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, clock, cancellationToken);
        }
    }

    /// <summary>Ends what this process has under way for a message. Answers which those were.</summary>
    private async Task<HashSet<long>> CutOffAsync(MessageAddress address)
    {
        var own = _underWay.Where(one => one.Key.Address == address).ToList();
        if (own.Count > 0)
        {
            var sending = Task.WhenAll(own.Select(one => one.Value.Sending));
            await sending.WaitAsync(Grace, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            foreach (var (_, cut) in own.Where(one => !one.Value.Sending.IsCompleted).Select(one => one.Value))
            {
                cut.Cancel();
            }

            await sending;
        }

        return [.. own.Select(one => one.Key.Sequence)];
    }

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

    /// <summary>
    /// Records a final update. A process that stood still finds that its time is over, though Redis has answered long ago, and a connection that broke is there again at once: so Redis
    /// is asked once more, which records nothing twice. One that is there answers at once.
    /// </summary>
    private async Task<RecordedUpdate> RecordFinalAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken)
    {
        try
        {
            return await log.RecordAsync(address, payload, once, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or RedisConnectionException)
        {
            return await log.RecordAsync(address, payload, once, cancellationToken).WaitAsync(SecondLook, cancellationToken);
        }
    }

    private Update Unrecorded(string channel, UpdatePayload payload) =>
        new(channel, payload with { Sequence = null, Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 }) { DeltasUntil = DateTimeOffset.MaxValue };

    /// <summary>To each group by itself: what has reached one is not sent there again for the other's sake.</summary>
    private async Task<bool> SendAsync(Update update, TimeSpan patience, CancellationToken cancellationToken)
    {
        var whole = WholeOf(update);
        Parcel?[] parcels = [whole, DeltaOf(whole, begin: 0)];
        return !(await Task.WhenAll(parcels.OfType<Parcel>().Select(parcel => SendAsync(parcel, patience, cancellationToken)))).Contains(false);
    }

    private async Task<bool> SendAsync(Parcel parcel, TimeSpan patience, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstWait, LongestWait, clock) { Until = Backoff.After(patience, clock) };
        while (true)
        {
            using (var limit = new TimeLimit(TimeSpan.FromSeconds(options.Value.SendTimeoutSeconds), clock, cancellationToken))
            {
                if (await SendInOrderAsync([parcel], backoff.Try, limit.Token))
                {
                    return true;
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (!await backoff.WaitAsync(null, cancellationToken))
            {
                return false;
            }
        }
    }

    /// <summary>Never throws.</summary>
    /// <param name="parcel">What is sent.</param>
    /// <param name="number">The how manieth try it is.</param>
    /// <param name="confirmed">Whether it has arrived by the process's own connection.</param>
    /// <param name="isDue">Whether it goes by REST if not.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    private async Task<bool> SendOnceAsync(Parcel parcel, int number, Task<bool> confirmed, Task<bool> isDue, CancellationToken cancellationToken)
    {
        TagList tags =
        [
            new("messaging.system", "azure_web_pubsub"), new("messaging.operation.name", "send"), new("messaging.operation.type", "send"),
            new("messaging.destination.name", options.Value.Hub),
        ];
        using var span = Telemetry.Source.StartActivity(ActivityKind.Producer, tags: tags, name: _spanName);
        span?.SetTag("messaging.message.body.size", parcel.Body.Length)
            .SetTag("cosmo.update.status", parcel.Update.Payload.Status).SetTag("cosmo.update.sequence", parcel.Update.Payload.Sequence);
        var begun = clock.GetTimestamp();
        try
        {
            if (!await confirmed && await isDue)
            {
                var context = new Azure.RequestContext { CancellationToken = cancellationToken };
                await webPubSub.SendToGroupAsync(parcel.Group, RequestContent.Create(parcel.Body), ContentType.ApplicationJson, context: context);
            }

            return true;
        }
        catch (Exception e)
        {
            logger.SendFailed(e, parcel.Update.Payload.Status, parcel.Update.Payload.MessageId, number);
            tags.Add("error.type", e.GetType().Name);
            span.Fail(e.GetType().Name);
            return false;
        }
        finally
        {
            Telemetry.SentMessages.Add(1, tags);
            Telemetry.SendDuration.Record(clock.GetElapsedTime(begun).TotalSeconds, tags);
        }
    }

    /// <param name="Group">To whom.</param>
    /// <param name="Update">What it is about.</param>
    /// <param name="Body">What is sent.</param>
    private sealed record Parcel(string Group, Update Update, byte[] Body);

    /// <param name="Whole">To all who listen to the channel.</param>
    /// <param name="Delta">To those who listen for what is new alone; null where nobody does, or there is nothing new.</param>
    private readonly record struct Parcels(Parcel Whole, Parcel? Delta);
}
