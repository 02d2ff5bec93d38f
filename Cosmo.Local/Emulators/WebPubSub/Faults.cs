namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>What the emulator was told to do wrong. The body of <c>PUT /emulator/faults</c>; each PUT replaces all.</summary>
/// <param name="Send">REST sends answer this instead of sending. Meanwhile what clients send to groups is refused, too, and not counted.</param>
/// <param name="Connect">New sockets are refused with this.</param>
/// <param name="DelayMs">Milliseconds, 0 to 600000, that each REST send waits before anything else happens, and each message of a client to a group.</param>
internal sealed record Faults(Refusal? Send = null, Refusal? Connect = null, int DelayMs = 0)
{
    public static Faults None { get; } = new();

    /// <summary>What is wrong with these faults; null if nothing is.</summary>
    public string? Problem => this switch
    {
        { DelayMs: < 0 or > 600_000 } => "delayMs must be from 0 to 600000.",
        { Send.Status: < 400 or > 599 } or { Connect.Status: < 400 or > 599 } => "A status must be from 400 to 599.",
        _ => null,
    };
}

/// <summary>A status to answer.</summary>
/// <param name="Status">400 to 599.</param>
/// <param name="Times">How many requests get it; without it all do, until the faults are changed.</param>
internal sealed record Refusal(int Status, int? Times = null)
{
    private int _used;

    /// <summary>Whether a request would be refused now.</summary>
    public bool IsInForce => Times is not { } times || Volatile.Read(ref _used) < times;

    /// <summary>Whether the next request is refused. Counts it.</summary>
    public bool Applies() => Times is not { } times || Interlocked.Increment(ref _used) <= times;
}
