using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Delivery;

/// <summary>Gives a browser the address of its channel, if it may open it. A key of the host says nothing here: the host does not look at it.</summary>
internal sealed class Negotiate(ChannelAccess access, GroupKeeper groups, ConnectionAddresses addresses, MessageLimits limits)
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

        var (isDelta, fault) = ConnectionAddresses.ReadText(request);
        if (fault is not null)
        {
            return fault;
        }

        var admission = await access.AdmitAsync(request, name, context.CancellationToken);
        if ((admission.Refusal ?? await groups.RefuseUnsettledAsync(admission.Owner, context.CancellationToken)) is { } refusal)
        {
            return refusal;
        }

        (var address, fault) = await addresses.MakeAsync(name, admission.User, limits.IsUnlimited ? null : ClientSource.Of(request), isDelta, context.CancellationToken);
        return fault ?? HttpAnswers.Json(address!);
    }
}
