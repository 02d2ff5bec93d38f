using System.Text.Json.Serialization;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// Makes the address of a channel: a Web PubSub URL that opens one of the channel's groups and nothing else, for as long as its token lives, and says who listens.
/// </summary>
internal sealed class ConnectionAddresses(
    WebPubSubServiceClient webPubSub, DeltaListeners deltas, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<ConnectionAddresses> logger)
{
    /// <summary>No server on the way takes an address of any length.</summary>
    private const int LongestAddress = 8_000;

    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(1);

    /// <summary>Whether a request wants of a text only what is new each time: <c>?text=delta</c>. Else the answer: 400.</summary>
    public static (bool IsDelta, IActionResult? Refusal) ReadText(HttpRequest request) => request.Query["text"].ToString() switch
    {
        "" or "whole" => (false, null),
        "delta" => (true, null),
        _ => (false, HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Not a way to get texts", "'text' must be whole, as it is without it, or delta.")),
    };

    /// <summary>Makes an address, or says why there is none.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="user">Who is to listen; null for a stranger.</param>
    /// <param name="source">Whence a stranger comes, where that counts.</param>
    /// <param name="isDelta">Whether it opens the group of those who get of a text only what is new, in the place of the other.</param>
    /// <param name="cancellationToken">Ends the calls.</param>
    public async Task<(ConnectionAddress? Address, IActionResult? Refusal)> MakeAsync(
        string channel, SignedInUser? user, string? source, bool isDelta, CancellationToken cancellationToken)
    {
        // What is signed in by a token is so no longer than that.
        var (now, longest) = (clock.GetUtcNow(), TimeSpan.FromMinutes(options.Value.TokenMinutes));
        var life = user?.Until - now is { } left && left < longest ? left > ShortestLife ? left : ShortestLife : longest;
        var until = DateTimeOffset.FromUnixTimeSeconds((user?.Until is { } end && end < now + life ? end : now + life).ToUnixTimeSeconds());
        var userId = new ConnectionIdentity(channel, user?.Caller ?? Caller.Anonymous with { Source = source }, user?.Issuer, until).ToUserId();
        try
        {
            await (isDelta ? deltas.NoteAsync(channel, until, cancellationToken) : Task.CompletedTask);
            var group = isDelta ? GroupName.ForDeltas(channel) : GroupName.For(channel);
            var url = await webPubSub.GetClientAccessUriAsync(life, userId, groups: [group], cancellationToken: cancellationToken);
            return url.AbsoluteUri.Length <= LongestAddress
                ? (new ConnectionAddress(url.AbsoluteUri, until), null)
                : (null, HttpAnswers.Problem(StatusCodes.Status400BadRequest, "Too long", "The channel, the user's id and the roles do not fit into one address."));
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.ListenerNotNoted(e);
            return (null, HttpAnswers.RedisProblem(e, "The connection could not be negotiated."));
        }
        catch (Exception e) when (e is Azure.RequestFailedException or Azure.Identity.AuthenticationFailedException)
        {
            logger.NegotiationFailed(e);
            return (null, HttpAnswers.Problem(
                StatusCodes.Status503ServiceUnavailable, "Web PubSub is not available", "The connection could not be negotiated. Please try again in a moment."));
        }
    }
}

/// <param name="Url">Opens a group of the channel.</param>
/// <param name="ExpiresAt">Until when it does, and its user may act over the connection.</param>
internal sealed record ConnectionAddress(string Url, DateTimeOffset ExpiresAt)
{
    /// <summary>Signs the user of a back end in over HTTP, so long and in the same channel; null for anyone else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Token { get; init; }
}
