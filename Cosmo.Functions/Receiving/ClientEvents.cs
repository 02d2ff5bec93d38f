using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Turns;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Receiving;

/// <summary>
/// Web PubSub's event handler: a message that a browser sends over its connection goes to the queue like any other, <c>cancel</c> with a
/// <c>message_id</c> cancels one, and <c>approve</c> decides on a call of a tool. Channel and caller are the connection's own, whatever the event claims, and may send no longer than its token said. Web
/// PubSub drops a connection whose event is answered with an error status, so a refused event is answered with 200 and an error update.
/// </summary>
internal sealed class ClientEvents(
    ChatMessageReader reader,
    MessagePublisher messages,
    AnswerStarter answers,
    Cancellation cancellation,
    ApprovalDesk desk,
    ChannelAccess channels,
    EventIdentity events,
    RequestLimits requestLimits,
    MessageLimits messageLimits,
    TurnQueue turns,
    IOptions<AccessOptions> access,
    IOptions<MessagingOptions> messaging,
    TimeProvider clock,
    ILogger<ClientEvents> logger)
{
    /// <summary>Web PubSub takes no larger message of a client; what it has taken is answered so that the connection stays.</summary>
    private const int LargestEvent = 1_048_576;

    private const string UserEvent = "azure.webpubsub.user.";
    private const string MessageEvent = "message";
    private const string CancelEvent = "cancel";
    private const string ApproveEvent = "approve";
    private const string NotAnEvent = "There was an issue with your request format. Please try again.";
    private const string Refuses = "I encountered an issue while processing your request.";
    private const string Unreachable = "I'm having trouble connecting to my services. Please try again in a moment.";

    /// <summary>The events that are taken. Web PubSub is told the same list: <c>client-events.json</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = [MessageEvent, CancelEvent, ApproveEvent];

    /// <summary>Events that come with a function key, which the host has checked.</summary>
    [Function(nameof(ClientEvents))]
    public Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", "options", Route = "webpubsub/events")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        FunctionContext context) => TakeAsync(request, client, context);

    /// <summary>Events that come with a token of Web PubSub's identity: without the right one 401, and nothing that the request holds is looked at. The handshake has none, and gives nothing away.</summary>
    [Function("EntraClientEvents")]
    public async Task<IActionResult> RunWithTokenAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", "options", Route = "webpubsub/entra-events")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        try
        {
            if (HttpMethods.IsOptions(request.Method) ? !events.IsExpected : await IsNotOursAsync(request, context.CancellationToken))
            {
                request.HttpContext.Response.Headers.WWWAuthenticate = "Bearer";
                return HttpAnswers.Problem(StatusCodes.Status401Unauthorized, "Not Web PubSub's", "The event carries no token that proves that it is Web PubSub's.");
            }
        }
        catch (AuthorityAwayException)
        {
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "Entra is not available", "Whose token the event carries could not be found out. Please try again in a moment.");
        }

        return await TakeAsync(request, client, context);
    }

    private async Task<bool> IsNotOursAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (await events.RefuseAsync(request, cancellationToken) is not { } fault)
        {
            return false;
        }

        logger.EventNotProved(fault);
        return true;
    }

    private async Task<IActionResult> TakeAsync(HttpRequest request, DurableTaskClient client, FunctionContext context)
    {
        if (HttpMethods.IsOptions(request.Method))
        {
            // The handshake by which Web PubSub finds out that this address wants its events; each of them proves whose it is.
            request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = "*";
            return new OkResult();
        }

        var type = request.Headers["ce-type"].ToString();
        var name = type.StartsWith(UserEvent, StringComparison.Ordinal) ? type[UserEvent.Length..] : "";
        if (!Names.Contains(name))
        {
            return new NoContentResult();
        }

        if (ConnectionIdentity.FromUserId(request.Headers["ce-userId"]) is not { } identity)
        {
            logger.ClientEventRefused("its connection was not negotiated here");
            return new UnauthorizedResult();
        }

        var mostBytes = Math.Max(messaging.Value.MaxBodyBytes, LargestEvent);
        if (await request.ReadAsync(mostBytes, context.CancellationToken) is not { } body)
        {
            return HttpAnswers.TooLong(mostBytes);
        }

        if (await requestLimits.TakeEventAsync(name, identity.Channel, identity.User, context.CancellationToken) is { } reached)
        {
            logger.ClientEventRefused(reached.ToString());
            return await RefuseAsync(identity, name == MessageEvent ? ChatMessageReader.FindMessageId(body) : null, reached, context.CancellationToken);
        }

        if (await WhyNotInAsync(identity, context.CancellationToken) is var (sentence, details))
        {
            logger.ClientEventRefused(details);
            return Refused(identity, name == MessageEvent ? ChatMessageReader.FindMessageId(body) : null, sentence, details);
        }

        return name switch
        {
            CancelEvent => await CancelAsync(identity, body, client, context.CancellationToken),
            ApproveEvent => await ApproveAsync(identity, body, client, context.CancellationToken),
            _ => await SendAsync(identity, body, context.CancellationToken),
        };
    }

    /// <summary>
    /// What is one too many is not looked at any further. A message that was taken before is not refused, since that would be its end: it comes again because its sender does not know, and its
    /// answer is under way or over.
    /// </summary>
    private async Task<IActionResult> RefuseAsync(ConnectionIdentity identity, string? messageId, ReachedLimit reached, CancellationToken cancellationToken)
    {
        try
        {
            if (messageId is not null && (await turns.FindAskedAsync(identity.Channel, messageId, text: null, cancellationToken)).IsKnown)
            {
                return new NoContentResult();
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotKnownWhetherTaken(e, messageId!);
        }

        return Refused(identity, messageId, Sentences.RateLimit, reached.ToString());
    }

    /// <summary>Null if it may act in its channel.</summary>
    private async Task<(string Sentence, string Details)?> WhyNotInAsync(ConnectionIdentity identity, CancellationToken cancellationToken)
    {
        try
        {
            return await channels.RefuseAsync(identity, identity.HasEnded(clock.GetUtcNow()), cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.OwnerNotFound(e);
            return (Unreachable, "Whose channel this is could not be found out");
        }
    }

    private async Task<IActionResult> SendAsync(ConnectionIdentity identity, byte[] body, CancellationToken cancellationToken)
    {
        if (WhyNotFrom(identity) is var (sentence, details))
        {
            logger.ClientEventRefused(details);
            return Refused(identity, ChatMessageReader.FindMessageId(body), sentence, details);
        }

        // Whence a stranger comes goes with a message only where messages are counted.
        var caller = messageLimits.IsUnlimited ? identity.User with { Source = null } : identity.User;
        if (!reader.TryReadClientEvent(body, identity.Channel, caller, out var message, out var rejection))
        {
            logger.ClientEventRefused(rejection.Cause);
            return Refused(identity, rejection.MessageId, NotAnEvent, rejection.Reason);
        }

        if (await FindLimitAsync(message, cancellationToken) is var (busy, limit))
        {
            logger.ClientEventRefused(limit);
            return Refused(identity, message.MessageId, busy, limit);
        }

        try
        {
            await messages.PublishAsync(message, cancellationToken);
            return new NoContentResult();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.ClientEventNotQueued(e, message.MessageId);
            return Refused(identity, message.MessageId, Unreachable, "The message could not be queued");
        }
    }

    /// <summary>Null if its messages are taken.</summary>
    private (string Sentence, string Details)? WhyNotFrom(ConnectionIdentity identity) => identity switch
    {
        _ when identity.HasEnded(clock.GetUtcNow()) =>
            ("Your connection has to be renewed before you can send. Please try again.", "The right to send has ended with the connection's token; negotiate another."),
        { User.IsSignedIn: false } when !access.Value.MayAnyoneSend =>
            ("Please sign in to send messages.", "Messages over a connection are taken from signed-in users only."),
        _ => null,
    };

    /// <summary>Null if it is over none. It counts here already, so that what comes too often is neither queued nor kept; the queue's trigger counts it no more.</summary>
    private async Task<(string Sentence, string Details)?> FindLimitAsync(ChatMessage message, CancellationToken cancellationToken)
    {
        try
        {
            return await answers.FindLimitAsync(new MessageAddress(message.Channel, message.MessageId, 1), message.Caller, cancellationToken) is { } reached
                ? (Sentences.RateLimit, reached.ToString())
                : null;
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.LimitNotFound(e, message.MessageId);
            return (Unreachable, "How much was asked before could not be found out");
        }
    }

    /// <summary>What is accepted is followed by the message's final update. A refusal names no message: none of them ends by it.</summary>
    private async Task<IActionResult> CancelAsync(ConnectionIdentity identity, byte[] body, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (ChatMessageReader.FindMessageId(body) is not { } messageId)
        {
            logger.ClientEventRefused("it names no message to cancel");
            return Refused(identity, null, NotAnEvent, "The event must be an object with a 'message_id'.");
        }

        try
        {
            return await cancellation.CancelAsync(identity.Channel, messageId, client, cancellationToken) switch
            {
                CancelOutcome.Cancelling => new NoContentResult(),
                CancelOutcome.Over => Refused(identity, null, "There is nothing to cancel.", "The message is over already."),
                _ => Refused(identity, null, "There is nothing to cancel.", "There is no such message in this channel."),
            };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NotCancelled(e, messageId);
            return Refused(identity, null, e is RedisException && !RedisFault.MayPass(e) ? Refuses : Unreachable, "The message could not be cancelled");
        }
    }

    /// <summary>Says yes or no to a call of a tool. The tool's own updates say what comes of it.</summary>
    private async Task<IActionResult> ApproveAsync(ConnectionIdentity identity, byte[] body, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (identity.Name is not { } name || identity.HasEnded(clock.GetUtcNow()))
        {
            logger.ClientEventRefused("a stranger approves nothing");
            return Refused(identity, null, "Please sign in to approve.", "Only a signed-in user approves or refuses a call, until the connection's token ends.");
        }

        if (!ApprovalRequest.TryRead(body, namesCall: true, out var request, out var fault))
        {
            logger.ClientEventRefused(fault);
            return Refused(identity, null, NotAnEvent, fault);
        }

        try
        {
            var decision = new ApprovalDecision(request.Approved, request.Reason, name);
            return await desk.DecideAsync(identity.Channel, request.MessageId!, request.CallId!, decision, client, cancellationToken) switch
            {
                ApprovalOutcome.Taken => new NoContentResult(),
                ApprovalOutcome.Over => Refused(identity, null, "It was decided already, or it is too late.", "The call was decided on already, or is over."),
                _ => Refused(identity, null, "There is nothing to approve.", "No call of this id waits in this channel."),
            };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.NotDecided(e, request.MessageId!);
            return Refused(identity, null, e is RedisException && !RedisFault.MayPass(e) ? Refuses : Unreachable, "The decision was not taken");
        }
    }

    private IActionResult Refused(ConnectionIdentity identity, string? messageId, string sentence, string details) => HttpAnswers.Json(
        new Update(identity.Channel, Updates.Rejected(messageId, sentence, details) with { Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 }));
}
