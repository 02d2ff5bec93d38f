using Cosmo.Functions.Hosting;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Access;

/// <summary>Who may do what in a channel (docs/access.md). Every function that is open to clients asks here first.</summary>
internal sealed class ChannelAccess(
    BearerIdentity bearer,
    BackendTokens tokens,
    PlatformIdentity platform,
    ChannelOwners owners,
    HostDecision decision,
    IOptions<AccessOptions> options,
    ILogger<ChannelAccess> logger)
{
    /// <summary>Null if who sends this request may read and act in the channel, else the answer.</summary>
    public async Task<IActionResult?> RefuseAsync(HttpRequest request, string channel, CancellationToken cancellationToken) =>
        (await EnterAsync(request, channel, cancellationToken)).Refusal;

    /// <summary>The same, and who it is. Nobody has to sign in where channels are open; who does so there by a back end's token alone is asked about.</summary>
    public async Task<(SignedInUser? User, IActionResult? Refusal)> EnterAsync(HttpRequest request, string channel, CancellationToken cancellationToken) =>
        options.Value.IsOpen && BackendTokens.TokenOf(request) is null ? (null, null) : await IdentifyAsync(request, channel, cancellationToken);

    /// <summary>Who sends this request, if that is a user who may act in the channel; a stranger may not, also where channels are open.</summary>
    public async Task<(SignedInUser? User, IActionResult? Refusal)> IdentifyAsync(HttpRequest request, string channel, CancellationToken cancellationToken)
    {
        var (user, refusal) = await SignInAsync(request, channel, cancellationToken);
        refusal ??= user is not null && options.Value.IsOpen ? null : await FindWhyNotAsync(request, channel, user, cancellationToken);
        return (user, refusal);
    }

    /// <summary>Whether who sends this request gets the address of the channel. In the mode <c>owner</c> a new channel is that user's from then on.</summary>
    public async Task<Admission> AdmitAsync(HttpRequest request, string channel, CancellationToken cancellationToken)
    {
        var (user, refusal) = await SignInAsync(request, channel, cancellationToken);
        return refusal is null ? await AdmitAsync(request, channel, user, cancellationToken) : new Admission(null, null, refusal);
    }

    /// <summary>The same for a user who is known already, or for whom another asks.</summary>
    public async Task<Admission> AdmitAsync(HttpRequest request, string channel, SignedInUser? user, CancellationToken cancellationToken)
    {
        ChannelOwner? owner = null;
        var isOwned = options.Value.IsByOwner && user is not null;
        var refusal = options.Value.IsOpen || isOwned ? null : WhyNot(request, channel, user, owner: null);

        // The host application comes first: whom it refuses does not get a new channel either.
        if (refusal is null && !await decision.AllowsAsync(channel, user, cancellationToken))
        {
            refusal = HttpAnswers.Problem(StatusCodes.Status403Forbidden, "Not allowed", "The host application does not let this user into the channel.");
        }

        if (refusal is null && isOwned)
        {
            refusal = await GuardAsync(async () =>
            {
                owner = await owners.FindOrClaimAsync(channel, user!.Name, cancellationToken);
                return WhyNot(request, channel, user, owner?.Name);
            });
        }

        return new Admission(user, owner, refusal);
    }

    /// <summary>Null if a connection may act in its channel, else what its client is told.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<(string Sentence, string Details)?> RefuseAsync(ConnectionIdentity identity, bool hasEnded, CancellationToken cancellationToken) => identity switch
    {
        _ when options.Value.IsOpen => null,
        { Name: null } => ("Please sign in.", "The channel is open to signed-in users only."),
        _ when hasEnded => (
            "Your connection has to be renewed. Please try again.", "The user's rights have ended with the connection's token; negotiate another."),
        { Name: { } name } when options.Value.IsByOwner && name != await owners.FindAsync(identity.Channel, cancellationToken) => (
            "This conversation belongs to somebody else.", "The channel is not this user's."),
        _ => null,
    };

    /// <summary>
    /// What is read of the channel, if who sends this request may read there, else the answer. Where channels have owners, that is asked again once it is read: what was said since another
    /// was named is not for who was let in before.
    /// </summary>
    public async Task<IActionResult> ReadAsync(HttpRequest request, string channel, Func<Task<IActionResult>> read, CancellationToken cancellationToken)
    {
        var (user, refusal) = await EnterAsync(request, channel, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        var answer = await read();
        return options.Value.IsByOwner ? await FindWhyNotAsync(request, channel, user, cancellationToken) ?? answer : answer;
    }

    /// <summary>Whether who was let into a channel may read on there: where channels have owners, another may have been named since.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public async Task<bool> MayReadOnAsync(string channel, SignedInUser? user, CancellationToken cancellationToken) =>
        !options.Value.IsByOwner || (user is not null && user.Name == await owners.FindAsync(channel, cancellationToken));

    /// <summary>Who sends this request, wherever that user may go: null for a stranger. A token that does not do is refused.</summary>
    public async Task<(SignedInUser? User, IActionResult? Refusal)> SignInAsync(HttpRequest request, string channel, CancellationToken cancellationToken)
    {
        if (BackendTokens.TokenOf(request) is { } own)
        {
            return await SignInAsync(request, channel, own, cancellationToken);
        }

        if (bearer.TokenOf(request) is not { } token)
        {
            return (platform.Of(request), null);
        }

        try
        {
            var (user, fault) = await bearer.ReadAsync(token, cancellationToken);
            return (user, fault is null ? null : InvalidToken(request, fault));
        }
        catch (AuthorityAwayException)
        {
            return (null, HttpAnswers.Problem(
                StatusCodes.Status503ServiceUnavailable, "The identity provider is not available", "The token could not be checked. Please try again in a moment."));
        }
    }

    /// <summary>The same by a token that a back end was given for its user.</summary>
    private async Task<(SignedInUser? User, IActionResult? Refusal)> SignInAsync(HttpRequest request, string channel, string token, CancellationToken cancellationToken)
    {
        try
        {
            return await tokens.FindAsync(token, cancellationToken) switch
            {
                null => (null, InvalidToken(request, "It is not known, or has ended.")),
                var (user, opened) when opened == channel => (user, null),
                _ => (null, HttpAnswers.Problem(StatusCodes.Status403Forbidden, "Not this channel", "The token is for another channel.")),
            };
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.TokenNotFound(e);
            return (null, HttpAnswers.RedisProblem(e, "The token could not be checked."));
        }
    }

    private Task<IActionResult?> FindWhyNotAsync(HttpRequest request, string channel, SignedInUser? user, CancellationToken cancellationToken) =>
        GuardAsync(async () => WhyNot(request, channel, user, options.Value.IsByOwner && user is not null ? await owners.FindAsync(channel, cancellationToken) : null));

    private IActionResult? WhyNot(HttpRequest request, string channel, SignedInUser? user, string? owner) => user switch
    {
        null => NotSignedIn(request, "This is open to signed-in users only. A key of the host is not looked at here."),
        _ when (options.Value.IsByOwner ? user.Name == owner : user.Lists(channel)) => null,
        _ => HttpAnswers.Problem(
            StatusCodes.Status403Forbidden,
            "Not your channel",
            options.Value.IsByOwner
                ? "The channel belongs to another user, or to nobody until a message or an operator names one."
                : "The user's token does not list the channel."),
    };

    /// <summary>The answer to a stranger at what is open to signed-in users only: 401.</summary>
    public static IActionResult NotSignedIn(HttpRequest request, string detail) => Unauthorized(request, "Bearer", detail);

    private static IActionResult InvalidToken(HttpRequest request, string fault) =>
        Unauthorized(request, $"Bearer error=\"invalid_token\", error_description=\"{fault.Replace("\"", "'")}\"", $"The token does not do. {fault}");

    private static IActionResult Unauthorized(HttpRequest request, string challenge, string detail)
    {
        request.HttpContext.Response.Headers.WWWAuthenticate = challenge;
        return HttpAnswers.Problem(StatusCodes.Status401Unauthorized, "Not signed in", detail);
    }

    private async Task<IActionResult?> GuardAsync(Func<Task<IActionResult?>> check)
    {
        try
        {
            return await check();
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.OwnerNotFound(e);
            return HttpAnswers.RedisProblem(e, "Whose channel this is could not be found out.");
        }
    }
}

/// <summary>Whether somebody gets the address of a channel.</summary>
/// <param name="User">Who; null for a stranger.</param>
/// <param name="Owner">Whose the channel is, where that decides.</param>
/// <param name="Refusal">The answer to who does not get it.</param>
internal sealed record Admission(SignedInUser? User, ChannelOwner? Owner, IActionResult? Refusal);
