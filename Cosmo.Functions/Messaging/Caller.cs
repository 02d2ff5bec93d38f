namespace Cosmo.Functions.Messaging;

/// <summary>Who asks: as a trusted producer said in the message, or as the platform's authentication said at negotiation.</summary>
/// <param name="Id">The user's id, or null for an anonymous caller.</param>
/// <param name="Roles">The user's roles; empty for an anonymous caller.</param>
internal sealed record Caller(string? Id, IReadOnlyList<string> Roles)
{
    public static Caller Anonymous { get; } = new(null, []);
}
