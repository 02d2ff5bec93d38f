using System.Text.Json.Nodes;
using System.Threading.Channels;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Receiving.AgUi;

/// <summary>
/// Streams a run as server-sent events while its message is answered, by whichever worker. It hears from Redis that there is something new and reads that from the log, where of a
/// text that grows only the newest stands: a slow reader costs no memory, and a client that comes late has missed nothing. It ends with the answer, when a person is waited for, when
/// its client leaves or has lost the channel to another, and in any case soon after the longest that an answer takes, or when the worker stops; the answer goes on then.
/// </summary>
internal sealed class RunStream(
    UpdateLog log, ApprovalDesk desk, RunAliases aliases, ChannelAccess channels, IOptions<AnsweringOptions> options, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<RunStream> logger)
{
    /// <summary>Longer than an answer takes, and less than the host lets a function run.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>So often it is looked, should it not have been heard.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    /// <summary>Several calls of one round that wait for a person are told one after the other.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);

    /// <param name="response">Whom to.</param>
    /// <param name="runId">The run.</param>
    /// <param name="run">Its message.</param>
    /// <param name="user">Who reads it; null for a stranger.</param>
    /// <param name="events">Makes the events.</param>
    /// <param name="stopping">The worker, or the host, stops.</param>
    public async Task RunAsync(HttpResponse response, string runId, FollowedRun run, SignedInUser? user, RunEvents events, CancellationToken stopping)
    {
        var left = response.HttpContext.RequestAborted;
        using var limit = new TimeLimit(options.Value.Deadlines.Overall + Margin, clock, left, stopping, lifetime.ApplicationStopping);
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        response.HttpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            await SayAsync(response, events.Begin(), limit.Token);
            await FollowAsync(response, runId, run, user, events, limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or RedisException or TimeoutException && !left.IsCancellationRequested)
        {
            await SayAsync(response, events.Fail("The answer goes on. Please ask for this run again.", RunEvents.AskAgain), left);
        }
        catch (Exception) when (left.IsCancellationRequested)
        {
            // Nobody reads it any more.
        }
    }

    private async Task FollowAsync(HttpResponse response, string runId, FollowedRun run, SignedInUser? user, RunEvents events, CancellationToken cancellationToken)
    {
        var address = run.Address;
        var news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        await using var listening = await log.ListenAsync(address.Channel, () => news.Writer.TryWrite(true), cancellationToken);
        var (after, isFirst, said) = (run.After ?? 0, true, clock.GetTimestamp());
        while (true)
        {
            try
            {
                var updates = await log.ReadAsync(address.Channel, after, cancellationToken);

                // Asked after it was read: what was said since another took the channel over is not told.
                if (!await channels.MayReadOnAsync(address.Channel, user, cancellationToken))
                {
                    await SayAsync(response, events.Fail("This conversation belongs to somebody else.", RunEvents.NotYours), cancellationToken);
                    return;
                }

                after = updates.Count > 0 ? updates[^1].Payload.Sequence!.Value : after;
                var own = Of(address.MessageId, updates);
                if (isFirst && run.After is null && own.Count == 0 && (run.IsLongAgo || await log.IsOverAsync(address, cancellationToken)))
                {
                    await SayAsync(response, events.Fail("This run ended a while ago. What was answered stands in the history.", RunEvents.Ended), cancellationToken);
                    return;
                }

                isFirst = false;
                foreach (var update in own)
                {
                    var told = events.Take(update).ToList();
                    said = told.Count > 0 ? clock.GetTimestamp() : said;
                    await SayAsync(response, told, cancellationToken);
                    if (events.IsOver)
                    {
                        return;
                    }
                }

                if (events.Awaiting.Count > 0 && !await HearAsync(news.Reader, Quiet, cancellationToken))
                {
                    if (await FindUndecidedAsync(address, events, cancellationToken) is { Count: > 0 } calls)
                    {
                        await SayAsync(response, events.Interrupt(calls), cancellationToken);
                        return;
                    }

                    await HearAsync(news.Reader, Look, cancellationToken);
                }
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                logger.RunNotRead(e, runId);
                await Task.Delay(Look, clock, cancellationToken);
            }

            if (events.Awaiting.Count == 0)
            {
                await HearAsync(news.Reader, Look, cancellationToken);
            }

            if (clock.GetElapsedTime(said) >= KeepAlive)
            {
                await response.WriteAsync(": keep-alive\n\n", cancellationToken);
                await response.Body.FlushAsync(cancellationToken);
                said = clock.GetTimestamp();
            }
        }
    }

    /// <summary>What is about the message. Of several attempts at it, as the replay of a dead letter is one, the last.</summary>
    private static List<UpdatePayload> Of(string messageId, IReadOnlyList<Update> updates)
    {
        List<UpdatePayload> own = [.. updates.Select(update => update.Payload).Where(payload => payload.MessageId == messageId)];
        return own[Math.Max(0, own.FindLastIndex(payload => payload.Status == Updates.StartedStatus))..];
    }

    /// <summary>The calls on which nobody has decided yet, noted as what they are about. A decision that was taken may not have been heeded yet.</summary>
    private async Task<IReadOnlyList<ToolCallUpdate>> FindUndecidedAsync(MessageAddress address, RunEvents events, CancellationToken cancellationToken)
    {
        var undecided = new List<ToolCallUpdate>();
        foreach (var call in events.Awaiting)
        {
            if (await desk.FindAsync(address, call.CallId, cancellationToken) is null)
            {
                await aliases.RememberCallAsync(address.Channel, call.CallId, address.MessageId, cancellationToken);
                undecided.Add(call);
            }
        }

        return undecided;
    }

    /// <summary>Whether there was news within the time.</summary>
    private async Task<bool> HearAsync(ChannelReader<bool> news, TimeSpan time, CancellationToken cancellationToken)
    {
        using var wait = new TimeLimit(time, clock, cancellationToken);
        try
        {
            await news.ReadAsync(wait.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task SayAsync(HttpResponse response, IEnumerable<JsonObject> events, CancellationToken cancellationToken)
    {
        foreach (var one in events)
        {
            await response.WriteAsync($"data: {one.ToJsonString(CosmoJson.Options)}\n\n", cancellationToken);
            await response.Body.FlushAsync(cancellationToken);
        }
    }
}

/// <summary>A message whose updates a run follows.</summary>
/// <param name="Address">The message, and which attempt at it.</param>
/// <param name="After">Of one that is queued just now: the newest update of its channel before; null for one that was taken in before.</param>
/// <param name="IsLongAgo">It was taken in so long ago that it is over.</param>
internal sealed record FollowedRun(MessageAddress Address, long? After, bool IsLongAgo = false);
