using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Access;

/// <summary>
/// How Web PubSub's events prove where they are from: each brings a token of the resource's managed identity. Section <c>Cosmo:Access:Events</c>; without it no event comes in
/// that way, and the function key is what opens the other.
/// </summary>
internal sealed class EventOptions : IValidatableObject
{
    public const string Section = "Cosmo:Access:Events";

    /// <summary>Whose tokens they are: <c>https://login.microsoftonline.com/{tenant}</c>, with <c>/v2.0</c> for an audience whose application takes tokens of version 2.</summary>
    public Uri? Authority { get; set; }

    /// <summary>For whom they are made out: the application ID URI that the event handler names.</summary>
    public string? Audience { get; set; }

    /// <summary>Whose they are: the object id or the client id of Web PubSub's identity. Every identity of the tenant gets tokens for the audience.</summary>
    public string? Identity { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var set = new[] { Authority?.OriginalString, Audience, Identity }.Count(value => !string.IsNullOrWhiteSpace(value));
        if (set is not (0 or 3))
        {
            yield return new("Cosmo:Access:Events:Authority, Audience and Identity go together: set all three, or none.");
        }

        if (Authority is not null && !AccessOptions.IsAuthority(Authority))
        {
            yield return new("Cosmo:Access:Events:Authority must be the https address of an OpenID Connect provider, without a user name, a query or a fragment.");
        }
    }
}

/// <summary>Whether a request is Web PubSub's own.</summary>
internal sealed class EventIdentity([FromKeyedServices(AuthorityKeys.OfEvents)] AuthorityKeys keys, IOptions<EventOptions> options)
{
    /// <summary>Where Entra names an identity: its object id, and its client id in tokens of version 1 and 2.</summary>
    private static readonly string[] Claims = ["oid", "appid", "azp"];

    /// <summary>Whether any event may come in by a token.</summary>
    public bool IsExpected => options.Value.Authority is not null;

    /// <summary>Null if it is; else why not. Nothing of the request but its header is read.</summary>
    /// <exception cref="AuthorityAwayException">The provider does not answer, and its keys are not known.</exception>
    public async Task<string?> RefuseAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!IsExpected || BearerIdentity.SentWith(request) is not { } sent)
        {
            return IsExpected ? "It has no token." : "No tokens are expected.";
        }

        var (token, fault) = await AuthorityTokens.ReadAsync(sent, options.Value.Audience!, keys, cancellationToken);
        return token is null ? fault
            : token.Claims.Any(claim => Claims.Contains(claim.Type) && claim.Value.Equals(options.Value.Identity, StringComparison.OrdinalIgnoreCase)) ? null
            : "It is of another identity.";
    }
}
