using System.Net.WebSockets;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>
/// A client's connection. That of a reliable client outlives its socket: what is sent meanwhile is kept, and the
/// client may come back with another socket.
/// </summary>
internal sealed class ClientConnection(ClientIdentity identity, Permissions permissions)
{
    private readonly Lock _gate = new();
    private readonly UnacknowledgedMessages? _unacknowledged = identity.Kind == ClientKind.ReliableJson ? new() : null;
    private readonly HashSet<ulong> _ackIds = [];
    private readonly Queue<ulong> _ackIdsInOrder = new();
    private SocketSession? _session;
    private ITimer? _retention;
    private bool _ended;

    public ClientIdentity Identity => identity;

    public Permissions Permissions => permissions;

    /// <summary>What its frames mean. Set once, before the first is read.</summary>
    public IClientProtocol? Protocol { get; set; }

    /// <summary>The names of the groups it is in. The hub changes it, under the hub's lock.</summary>
    public HashSet<string> Groups { get; } = new(StringComparer.Ordinal);

    /// <summary>What the event handler wants to get back with each event; null until it set something.</summary>
    public string? State { get; set; }

    /// <summary>With this and its id a reliable client comes back; null for others.</summary>
    public string? ReconnectionToken { get; } = identity.Kind == ClientKind.ReliableJson ? Guid.NewGuid().ToString("N") : null;

    /// <summary>Whether a socket is there now.</summary>
    public bool IsAttached => Volatile.Read(ref _session) is not null;

    /// <summary>Whether it is gone for good.</summary>
    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>Sends a message in the form that the client speaks. False if the client is too slow and must be ended.</summary>
    public bool TryDeliver(OutboundMessage message)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return true;
            }

            Frame? frame = identity.Kind switch
            {
                ClientKind.Simple => message.Raw,
                ClientKind.Json => message.Envelope,
                _ => _unacknowledged!.Add(message),
            };
            return frame is not { } written || (_unacknowledged is not { IsOverflowing: true } && _session?.TrySend(written) != false);
        }
    }

    /// <summary>Sends a frame that is not kept: an ack or a pong. Simple clients get none.</summary>
    public void Send(Frame frame)
    {
        if (identity.Kind != ClientKind.Simple)
        {
            lock (_gate)
            {
                _session?.TrySend(frame);
            }
        }
    }

    /// <summary>A reliable client has everything up to this sequence id.</summary>
    public void Acknowledge(ulong sequenceId)
    {
        lock (_gate)
        {
            _unacknowledged?.Acknowledge(sequenceId);
        }
    }

    /// <summary>Notes a request's ack id. False if that request has come before.</summary>
    public bool TryBegin(ulong ackId)
    {
        lock (_gate)
        {
            if (!_ackIds.Add(ackId))
            {
                return false;
            }

            _ackIdsInOrder.Enqueue(ackId);
            if (_ackIdsInOrder.Count > Limits.RememberedAckIds)
            {
                _ackIds.Remove(_ackIdsInOrder.Dequeue());
            }

            return true;
        }
    }

    /// <summary>
    /// Puts the connection on a socket: greets the client and sends what it has not acknowledged. False if the
    /// connection has ended meanwhile.
    /// </summary>
    public bool TryAttach(SocketSession session, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return false;
            }

            _retention?.Dispose();
            _retention = null;
            _session?.Abort();
            _session = session;
            if (identity.Kind != ClientKind.Simple)
            {
                session.TrySend(Frames.Connected(identity.UserId, identity.ConnectionId, ReconnectionToken));
            }

            foreach (var frame in _unacknowledged?.FramesAt(now) ?? [])
            {
                session.TrySend(frame);
            }

            return true;
        }
    }

    /// <summary>Notes that a socket is gone. False if the connection should end with it.</summary>
    /// <param name="session">The socket; nothing happens if the client came back with another.</param>
    /// <param name="startRetention">Starts the timer that ends the connection if the client does not come back.</param>
    public bool TryDetach(SocketSession session, Func<ITimer> startRetention)
    {
        lock (_gate)
        {
            if (_ended || _session != session)
            {
                return true;
            }

            if (_unacknowledged is null)
            {
                return false;
            }

            _session = null;
            _retention = startRetention();
            return true;
        }
    }

    /// <summary>Cuts the socket off as a broken network does. False if there is none.</summary>
    public bool TryDrop()
    {
        var session = Volatile.Read(ref _session);
        session?.Abort();
        return session is not null;
    }

    /// <summary>Ends the connection for good and closes its socket.</summary>
    public void End(WebSocketCloseStatus status, string reason)
    {
        lock (_gate)
        {
            _ended = true;
            _retention?.Dispose();
            if (identity.Kind != ClientKind.Simple)
            {
                _session?.TrySend(Frames.Disconnected(reason));
            }

            _session?.Close(status, reason);
        }
    }
}
