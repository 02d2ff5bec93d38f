using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Access;

/// <summary>Users as <c>issuer:id</c>. One who is named without an issuer is one of those who sign in here: at the identity provider, the platform, or a back end.</summary>
internal sealed class UserNames(PlatformIdentity platform, IOptions<AccessOptions> options)
{
    private string DefaultIssuer => options.Value.AuthorityName ?? (platform.IsEnabled ? SignedInUser.Platform : SignedInUser.Backend);

    public string Of(Caller user) => SignedInUser.NameOf(user.Issuer ?? DefaultIssuer, user.Id!);
}
