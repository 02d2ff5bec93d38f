using Cosmo.Functions.Access;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using StackExchange.Redis;

namespace Cosmo.Functions.Receiving;

/// <summary>
/// Web PubSub's event handler: a message that a browser sends over its connection goes to the queue like any other, and <c>cancel</c> with a
/// <c>message_id</c> cancels one. Channel and caller are the connection's own, whatever the event claims. Web PubSub drops a connection whose event is answered with an error status, so a refused event is
/// answered with 200 and an error update.
/// </summary>
internal sealed class ClientEvents(
    ChatMessageReader reader, MessagePublisher messages, Cancellation cancellation, TimeProvider clock, ILogger<ClientEvents> logger)
{
    private const string UserMessage = "azure.webpubsub.user.message";
    private const string UserCancel = "azure.webpubsub.user.cancel";
    private const string Unreachable = "I'm having trouble connecting to my services. Please try again in a moment.";

    [Function(nameof(ClientEvents))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", "options", Route = "webpubsub/events")] HttpRequest request,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        if (HttpMethods.IsOptions(request.Method))
        {
            // The handshake by which Web PubSub finds out that this address wants its events. The function key has proved who asks.
            request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = "*";
            return new OkResult();
        }

        var type = request.Headers["ce-type"].ToString();
        if (type is not (UserMessage or UserCancel))
        {
            return new NoContentResult();
        }

        if (ConnectionIdentity.FromUserId(request.Headers["ce-userId"]) is not { } identity)
        {
            logger.ClientEventRefused("its connection was not negotiated here");
            return new UnauthorizedResult();
        }

        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, context.CancellationToken);
        return type == UserCancel
            ? await CancelAsync(identity, buffer.ToArray(), client, context.CancellationToken)
            : await SendAsync(identity, buffer.ToArray(), context.CancellationToken);
    }

    private async Task<IActionResult> SendAsync(ConnectionIdentity identity, byte[] body, CancellationToken cancellationToken)
    {
        if (!reader.TryReadClientEvent(body, identity.Channel, identity.Caller, out var message, out var rejection))
        {
            logger.ClientEventRefused(rejection.Cause);
            return Refused(identity, rejection.MessageId, "There was an issue with your request format. Please try again.", rejection.Reason);
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

    /// <summary>What is accepted is followed by the message's final update. A refusal names no message: none of them ends by it.</summary>
    private async Task<IActionResult> CancelAsync(ConnectionIdentity identity, byte[] body, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (ChatMessageReader.FindMessageId(body) is not { } messageId)
        {
            logger.ClientEventRefused("it names no message to cancel");
            return Refused(identity, null, "There was an issue with your request format. Please try again.", "The event must be an object with a 'message_id'.");
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
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.NotCancelled(e, messageId);
            return Refused(identity, null, Unreachable, "The message could not be cancelled");
        }
    }

    private IActionResult Refused(ConnectionIdentity identity, string? messageId, string sentence, string details) => HttpAnswers.Json(
        new Update(identity.Channel, Updates.Error(messageId, null, sentence, details) with { Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 }));
}
