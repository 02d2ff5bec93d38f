using Cosmo.Functions.Hosting;
using Cosmo.Functions.Receiving;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Web PubSub's event handler: a message that a browser sends over its connection goes to the queue like any other. Channel and caller are the
/// connection's own, whatever the event claims. Web PubSub drops a connection whose event is answered with an error status, so a refused event is
/// answered with 200 and an error update.
/// </summary>
internal sealed class ClientEvents(ChatMessageReader reader, MessagePublisher messages, TimeProvider clock, ILogger<ClientEvents> logger)
{
    private const string UserMessage = "azure.webpubsub.user.message";

    [Function(nameof(ClientEvents))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", "options", Route = "webpubsub/events")] HttpRequest request, FunctionContext context)
    {
        if (HttpMethods.IsOptions(request.Method))
        {
            // The handshake by which Web PubSub finds out that this address wants its events. The function key has proved who asks.
            request.HttpContext.Response.Headers["WebHook-Allowed-Origin"] = "*";
            return new OkResult();
        }

        if (request.Headers["ce-type"].ToString() != UserMessage)
        {
            return new NoContentResult();
        }

        if (ConnectionIdentity.FromUserId(request.Headers["ce-userId"]) is not { } identity)
        {
            logger.ClientEventRefused("its connection was not negotiated here");
            return new UnauthorizedResult();
        }

        return await SendAsync(identity, request, context.CancellationToken);
    }

    private async Task<IActionResult> SendAsync(ConnectionIdentity identity, HttpRequest request, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await request.Body.CopyToAsync(buffer, cancellationToken);
        if (!reader.TryReadClientEvent(buffer.ToArray(), identity.Channel, identity.Caller, out var message, out var rejection))
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
            return Refused(
                identity, message.MessageId, "I'm having trouble connecting to my services. Please try again in a moment.", "The message could not be queued");
        }
    }

    private JsonResult Refused(ConnectionIdentity identity, string? messageId, string sentence, string details) => new(
        new Update(identity.Channel, Updates.Error(messageId, null, sentence, details) with { Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 }),
        CosmoJson.Options);
}
