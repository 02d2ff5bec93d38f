using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Functions.Delivery;

/// <summary>Gives a browser the address of its channel, if it may open it. A key of the host says nothing here: the host does not look at it.</summary>
internal sealed class Negotiate(
    ChannelAccess access, RequestLimits requestLimits, MessageLimits messageLimits, GroupKeeper groups, ConnectionAddresses addresses, TimeProvider clock)
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

        var (user, refusal) = await access.SignInAsync(request, name, context.CancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        // Before the host application is asked, and before a new channel is anybody's.
        var caller = user is null ? Caller.Anonymous with { Source = ClientSource.Of(request) } : user.Caller with { Issuer = user.Issuer };
        if (await requestLimits.TakeNegotiationAsync(name, caller, context.CancellationToken) is { } reached)
        {
            return reached.Answer(request, Sentences.RateLimit, clock.GetUtcNow());
        }

        var admission = await access.AdmitAsync(request, name, user, context.CancellationToken);
        refusal = admission.Refusal ?? await groups.RefuseUnsettledAsync(admission.Owner, context.CancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        var source = messageLimits.IsUnlimited && !requestLimits.CountsEvents ? null : caller.Source;
        (var address, fault) = await addresses.MakeAsync(name, user, source, isDelta, context.CancellationToken);
        return fault ?? HttpAnswers.Json(address!);
    }
}
