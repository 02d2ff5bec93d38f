using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Access;

/// <summary>Somebody who is signed in, and who says so.</summary>
/// <param name="Issuer">Who says so: <see cref="Backend"/>, <see cref="Platform"/>, or the address of the identity provider.</param>
/// <param name="Caller">The user's id and roles.</param>
/// <param name="Channels">The channels that the user's token lists: names, or prefixes that end in <c>*</c>.</param>
/// <param name="Until">When the token ends that said so; null for one without an end that is known.</param>
internal sealed record SignedInUser(string Issuer, Caller Caller, IReadOnlyList<string> Channels, DateTimeOffset? Until = null)
{
    /// <summary>A host application's back end has checked its user.</summary>
    public const string Backend = "backend";

    /// <summary>App Service authentication has.</summary>
    public const string Platform = "platform";

    /// <summary>The user as the owner of a channel.</summary>
    public string Name => NameOf(Issuer, Caller.Id!);

    /// <summary>The same id from two issuers is two users.</summary>
    public static string NameOf(string issuer, string id) => $"{issuer}:{id}";

    public bool Lists(string channel) => Channels.Any(listed =>
        listed.EndsWith('*') ? channel.StartsWith(listed[..^1], StringComparison.Ordinal) : channel == listed);
}
