namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>Counts since the emulator started.</summary>
internal sealed class EmulatorStatistics
{
    private long _sends;
    private long _sendsRefused;
    private long _delivered;
    private long _slowClientsClosed;
    private long _userEvents;

    /// <summary>A REST send was carried out.</summary>
    public void Sent() => Interlocked.Increment(ref _sends);

    /// <summary>A REST send was refused by a fault that was asked for.</summary>
    public void SendRefused() => Interlocked.Increment(ref _sendsRefused);

    /// <summary>A message was given to one connection.</summary>
    public void Delivered() => Interlocked.Increment(ref _delivered);

    /// <summary>A connection was closed because its client did not read.</summary>
    public void SlowClientClosed() => Interlocked.Increment(ref _slowClientsClosed);

    /// <summary>A user event was given to the webhook.</summary>
    public void UserEvent() => Interlocked.Increment(ref _userEvents);

    public StatisticsReport Report(IReadOnlyCollection<Hub> hubs)
    {
        var connections = hubs.SelectMany(hub => hub.Connections).ToList();
        return new StatisticsReport(
            connections.Count(connection => connection.IsAttached),
            connections.Count(connection => !connection.IsAttached),
            hubs.Sum(hub => hub.GroupCount),
            Interlocked.Read(ref _sends),
            Interlocked.Read(ref _sendsRefused),
            Interlocked.Read(ref _delivered),
            Interlocked.Read(ref _slowClientsClosed),
            Interlocked.Read(ref _userEvents));
    }
}

/// <summary>What <c>GET /emulator/stats</c> answers.</summary>
/// <param name="Connections">Clients that are connected now.</param>
/// <param name="Recoverable">Reliable clients that lost their socket and may still come back.</param>
/// <param name="Groups">Groups with a member.</param>
/// <param name="Sends">REST sends that were carried out.</param>
/// <param name="SendsRefused">REST sends that a fault refused.</param>
/// <param name="Delivered">Messages given to connections; a send to a group of three counts three.</param>
/// <param name="SlowClientsClosed">Connections closed because the client did not read.</param>
/// <param name="UserEvents">User events given to the webhook.</param>
internal sealed record StatisticsReport(
    int Connections, int Recoverable, int Groups, long Sends, long SendsRefused, long Delivered, long SlowClientsClosed, long UserEvents);
