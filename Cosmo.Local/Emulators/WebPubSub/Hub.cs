using System.Collections.Concurrent;
using System.Net.WebSockets;
using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>
/// A hub's connections and groups. Sending reads without a lock; joining, leaving, connecting and ending take the
/// hub's lock, so that a connection that has ended is in no group.
/// </summary>
/// <param name="name">Its name.</param>
/// <param name="time">The clock of the time that a reliable client may be away.</param>
/// <param name="statistics">Counts what is sent.</param>
/// <param name="ended">Told of each connection that has ended, and why.</param>
/// <param name="moved">Told of each connection that has joined a group, or has left it.</param>
internal sealed class Hub(
    string name, TimeProvider time, EmulatorStatistics statistics, Action<ClientConnection, string> ended, Action<ClientConnection, string, bool> moved)
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, ClientConnection> _connections = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ConcurrentDictionary<string, ClientConnection>> _groups = new(StringComparer.Ordinal);

    public string Name => name;

    public IEnumerable<ClientConnection> Connections => _connections.Select(pair => pair.Value);

    public int GroupCount => _groups.Count;

    public ClientConnection? Find(string connectionId) => _connections.GetValueOrDefault(connectionId);

    public IEnumerable<ClientConnection> MembersOf(string group) =>
        _groups.TryGetValue(group, out var members) ? members.Select(pair => pair.Value) : [];

    public bool IsMember(ClientConnection connection, string group) =>
        _groups.TryGetValue(group, out var members) && members.ContainsKey(connection.Identity.ConnectionId);

    public IEnumerable<ClientConnection> ConnectionsOf(string userId) =>
        Connections.Where(connection => connection.Identity.UserId == userId);

    /// <summary>Takes a connection in. False if the hub is full.</summary>
    public bool TryAdd(ClientConnection connection, IEnumerable<string> groups)
    {
        lock (_gate)
        {
            if (_connections.Count >= Limits.Connections)
            {
                return false;
            }

            _connections[connection.Identity.ConnectionId] = connection;
            foreach (var group in groups)
            {
                Join(connection, group);
            }

            return true;
        }
    }

    public void Join(ClientConnection connection, string group)
    {
        lock (_gate)
        {
            if (_connections.ContainsKey(connection.Identity.ConnectionId) && connection.Groups.Add(group))
            {
                _groups.GetOrAdd(group, _ => new(StringComparer.Ordinal))[connection.Identity.ConnectionId] = connection;
                moved(connection, group, true);
            }
        }
    }

    public void Leave(ClientConnection connection, string group)
    {
        lock (_gate)
        {
            if (connection.Groups.Remove(group) && _groups.TryGetValue(group, out var members))
            {
                members.TryRemove(connection.Identity.ConnectionId, out _);
                moved(connection, group, false);
                if (members.IsEmpty)
                {
                    _groups.TryRemove(group, out _);
                }
            }
        }
    }

    public void LeaveAll(ClientConnection connection)
    {
        lock (_gate)
        {
            foreach (var group in connection.Groups.ToArray())
            {
                Leave(connection, group);
            }
        }
    }

    /// <summary>Sends a message to some connections. One that is too slow is closed and does not hold up the others.</summary>
    public void Send(IEnumerable<ClientConnection> receivers, OutboundMessage message)
    {
        foreach (var receiver in receivers)
        {
            statistics.Delivered();
            if (!receiver.TryDeliver(message))
            {
                statistics.SlowClientClosed();
                receiver.TryDrop();
                End(receiver, "The client does not read fast enough.");
            }
        }
    }

    /// <summary>Takes note that a connection's socket is gone: a reliable client has a while to come back.</summary>
    public void Detach(ClientConnection connection, SocketSession session)
    {
        if (!connection.TryDetach(session, StartRetention))
        {
            End(connection, "The socket was lost.");
        }

        ITimer StartRetention() => time.CreateTimer(
            _ => End(connection, "The client did not come back in time."), null, Limits.Retention, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends a connection for good. A reliable client only takes 1008 for an end; after others it tries to recover.</summary>
    public void End(ClientConnection connection, string reason, WebSocketCloseStatus? status = null)
    {
        lock (_gate)
        {
            if (!_connections.TryRemove(connection.Identity.ConnectionId, out _))
            {
                return;
            }

            LeaveAll(connection);
        }

        var usual = connection.Identity.Kind == ClientKind.ReliableJson ? WebSocketCloseStatus.PolicyViolation : WebSocketCloseStatus.NormalClosure;
        connection.End(status ?? usual, reason);
        ended(connection, reason);
    }
}
