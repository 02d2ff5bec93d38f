using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Access;

/// <summary>What clients may do. Section <c>Cosmo:Access</c>.</summary>
internal sealed class AccessOptions
{
    public const string Section = "Cosmo:Access";

    private const string Anyone = "anyone";

    /// <summary>From whom messages are taken over a connection: <c>signed_in</c> (default), or <c>anyone</c> who can listen.</summary>
    [RegularExpression($"^(signed_in|{Anyone})$", ErrorMessage = "Cosmo:Access:ClientMessages (CLIENT_MESSAGES) must be signed_in or anyone.")]
    public string ClientMessages { get; set; } = "signed_in";

    public bool MayAnyoneSend => ClientMessages == Anyone;
}
