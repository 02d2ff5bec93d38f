using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Gives a browser the address of its channel: a Web PubSub URL that lives for minutes and opens this channel's group and nothing else. Whoever
/// knows a channel's name may listen to it, as before; App Service authentication in front of the app closes that to strangers.
/// </summary>
internal sealed class Negotiate(
    WebPubSubServiceClient webPubSub, PlatformIdentity platform, IOptions<DeliveryOptions> options, ILogger<Negotiate> logger)
{
    [Function(nameof(Negotiate))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "channels/{channel}/negotiate")] HttpRequest request,
        string channel,
        FunctionContext context)
    {
        if (!RouteChannel.TryRead(channel, out channel))
        {
            return RouteChannel.NotAChannel;
        }

        try
        {
            var url = await webPubSub.GetClientAccessUriAsync(
                TimeSpan.FromMinutes(options.Value.TokenMinutes),
                userId: new ConnectionIdentity(channel, platform.Of(request)).ToUserId(),
                groups: [GroupName.For(channel)],
                cancellationToken: context.CancellationToken);
            return HttpAnswers.Json(new { url = url.AbsoluteUri });
        }
        catch (Exception e) when (e is Azure.RequestFailedException or Azure.Identity.AuthenticationFailedException)
        {
            logger.NegotiationFailed(e);
            return HttpAnswers.Problem(StatusCodes.Status503ServiceUnavailable, "Web PubSub is not available", "The connection could not be negotiated. Please try again in a moment.");
        }
    }
}
