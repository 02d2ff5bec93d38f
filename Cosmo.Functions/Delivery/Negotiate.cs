using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Gives a browser the address of its channel. Whoever knows a channel's name may listen to it, as before. A key of the host says nothing here: the host
/// does not look at it.
/// </summary>
internal sealed class Negotiate(PlatformIdentity platform, ConnectionAddresses addresses)
{
    [Function(nameof(Negotiate))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "channels/{channel}/negotiate")] HttpRequest request,
        string channel,
        FunctionContext context)
    {
        if (!RouteName.TryRead(channel, out var name))
        {
            return RouteName.NotAChannel;
        }

        var user = platform.Of(request);
        return await addresses.AnswerAsync(name, user, user.IsSignedIn ? ConnectionIdentity.Platform : null, context.CancellationToken);
    }
}
