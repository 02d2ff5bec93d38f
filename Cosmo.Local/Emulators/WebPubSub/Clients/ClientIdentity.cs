namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>Who a connection is.</summary>
/// <param name="Hub">The hub's name.</param>
/// <param name="ConnectionId">Unique in the hub.</param>
/// <param name="UserId">Null if anonymous.</param>
/// <param name="Subprotocol">The chosen subprotocol; null if none.</param>
internal sealed record ClientIdentity(string Hub, string ConnectionId, string? UserId, string? Subprotocol)
{
    public ClientKind Kind => Subprotocols.KindOf(Subprotocol);
}
