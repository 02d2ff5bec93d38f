using System.Text.Json;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Gives a host application's back end the address of a channel for a user whom it has checked itself: <c>{"user": {"id": "…", "roles": ["…"]}}</c>, and where
/// access goes by claims, <c>"channels": ["…"]</c> too. It hands the address on to its page, and the token by which the user is signed in over HTTP.
/// </summary>
internal sealed class CreateToken(ChannelAccess access, GroupKeeper groups, ConnectionAddresses addresses, BackendTokens tokens, ILogger<CreateToken> logger)
{
    private const int MostBytes = 65_536;

    [Function(nameof(CreateToken))]
    public async Task<IActionResult> RunAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "channels/{channel}/tokens")] HttpRequest request,
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

        if (await request.ReadAsync(MostBytes, context.CancellationToken) is not { } body)
        {
            return HttpAnswers.TooLong(MostBytes);
        }

        if (ReadUser(body) is not { } user)
        {
            return HttpAnswers.Problem(
                StatusCodes.Status400BadRequest,
                "Not a user",
                $"The body must be {{\"user\": {{\"id\": …, \"roles\": […], \"channels\": […]}}}}: an id of 1 to {ChatMessageReader.MaxIdLength} characters, and roles and channels, if any, as strings.");
        }

        var admission = await access.AdmitAsync(request, name, user, context.CancellationToken);
        return admission.Refusal
            ?? await groups.RefuseUnsettledAsync(admission.Owner, context.CancellationToken)
            ?? await AnswerAsync(name, user, isDelta, context.CancellationToken);
    }

    private async Task<IActionResult> AnswerAsync(string channel, SignedInUser user, bool isDelta, CancellationToken cancellationToken)
    {
        var (address, fault) = await addresses.MakeAsync(channel, user, source: null, isDelta, cancellationToken);
        if (fault is not null)
        {
            return fault;
        }

        try
        {
            return HttpAnswers.Json(address! with { Token = await tokens.CreateAsync(user, channel, address.ExpiresAt, cancellationToken) });
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.TokenNotFound(e);
            return HttpAnswers.RedisProblem(e, "The user's token could not be kept.");
        }
    }

    /// <summary>Unlike a producer's, a user here is somebody: a mistake must not make a stranger of one.</summary>
    private static SignedInUser? ReadUser(byte[] body) =>
        ForeignJson.TryRead(body, out var root, out _)
        && root["user"] is { } sent
        && ChatMessageReader.ReadUser(sent) is { IsSignedIn: true } user
        && (sent["roles"] is not { } roles || (roles.Kind == JsonValueKind.Array && roles.Elements().Count() == user.Roles.Count))
        && ReadChannels(sent["channels"]) is { } channels
            ? new SignedInUser(SignedInUser.Backend, user with { Issuer = null }, channels)
            : null;

    private static string[]? ReadChannels(ForeignJson? sent) => sent switch
    {
        null => [],
        { Kind: JsonValueKind.Array } list when list.Elements().All(channel => channel.Text is not null) => [.. list.Elements().Select(channel => channel.Text!)],
        _ => null,
    };
}
