using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Access;

/// <summary>Whose a channel is, who says who somebody is, and what clients may do. Section <c>Cosmo:Access</c>.</summary>
internal sealed class AccessOptions : IValidatableObject
{
    public const string Section = "Cosmo:Access";

    private const string Open = "open";
    private const string Owner = "owner";
    private const string Claim = "claim";
    private const string Anyone = "anyone";

    /// <summary>
    /// Who may open a channel: <c>open</c> (default), whoever knows its name; <c>owner</c>, the user it belongs to; <c>claim</c>, users whose token lists it.
    /// </summary>
    [RegularExpression($"^({Open}|{Owner}|{Claim})$", ErrorMessage = "Cosmo:Access:Mode (CHANNEL_ACCESS) must be open, owner or claim.")]
    public string Mode { get; set; } = Open;

    /// <summary>From whom messages are taken over a connection: <c>signed_in</c> (default), or <c>anyone</c> who can listen.</summary>
    [RegularExpression($"^(signed_in|{Anyone})$", ErrorMessage = "Cosmo:Access:ClientMessages (CLIENT_MESSAGES) must be signed_in or anyone.")]
    public string ClientMessages { get; set; } = "signed_in";

    /// <summary>The OpenID Connect provider whose tokens (<c>Authorization: Bearer</c>) sign a user in; none by default.</summary>
    public Uri? Authority { get; set; }

    /// <summary>For whom its tokens must be made out. Required with <see cref="Authority"/>.</summary>
    public string? Audience { get; set; }

    /// <summary>The claim with the user's id. Default <c>sub</c>.</summary>
    [Required(ErrorMessage = "Cosmo:Access:UserClaim must name a claim.")]
    public string UserClaim { get; set; } = "sub";

    /// <summary>The claim with the user's roles. Default <c>roles</c>.</summary>
    [Required(ErrorMessage = "Cosmo:Access:RolesClaim must name a claim.")]
    public string RolesClaim { get; set; } = "roles";

    /// <summary>The claim with the channels of a user: names, or prefixes that end in <c>*</c>. Default <c>cosmo_channels</c>.</summary>
    [Required(ErrorMessage = "Cosmo:Access:ChannelsClaim must name a claim.")]
    public string ChannelsClaim { get; set; } = "cosmo_channels";

    /// <summary>Where the host application is asked before somebody gets the address of a channel; nowhere by default.</summary>
    public Uri? DecisionUrl { get; set; }

    public bool IsOpen => Mode == Open;

    public bool IsByOwner => Mode == Owner;

    public bool MayAnyoneSend => ClientMessages == Anyone;

    /// <summary>The name of the authority as the issuer of a user; null without one.</summary>
    public string? AuthorityName => Authority?.AbsoluteUri.TrimEnd('/');

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Authority is not null && !IsAuthority(Authority))
        {
            yield return new("Cosmo:Access:Authority must be the https address of an OpenID Connect provider, without a user name, a query or a fragment.");
        }

        if (string.IsNullOrWhiteSpace(Audience) == Authority is not null)
        {
            yield return new("Cosmo:Access:Authority and Cosmo:Access:Audience go together: set both, or neither.");
        }

        if (DecisionUrl is not null && !(IsWeb(DecisionUrl) && DecisionUrl is { UserInfo.Length: 0, Fragment.Length: 0 }))
        {
            yield return new("Cosmo:Access:DecisionUrl must be an http or https address without a user name or a fragment.");
        }
    }

    /// <summary>Whether an address may be a provider's: what is published there is believed.</summary>
    public static bool IsAuthority(Uri address) =>
        IsWeb(address) && (address.Scheme == Uri.UriSchemeHttps || address.IsLoopback) && Address.UnusedPart(address, takesLogin: false) is null;

    private static bool IsWeb(Uri address) => address.IsAbsoluteUri && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp);
}
