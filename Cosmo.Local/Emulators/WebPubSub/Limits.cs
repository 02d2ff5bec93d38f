namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>The bounds that keep one client, or one that is gone, from taking the machine's memory.</summary>
internal static class Limits
{
    /// <summary>Bytes of one frame from a client, of one REST body and of one webhook answer.</summary>
    public const int MessageBytes = 1024 * 1024;

    /// <summary>Frames that wait for a client to read them; one more closes the connection.</summary>
    public const int QueuedFrames = 10_000;

    /// <summary>Bytes that wait for a client to read them, or that a reliable client has not acknowledged.</summary>
    public const long QueuedBytes = 16 * 1024 * 1024;

    /// <summary>Messages that a reliable client has not acknowledged; one more closes the connection for good.</summary>
    public const int UnacknowledgedMessages = 1000;

    /// <summary>Ack ids that are remembered for each connection, so that a repeated request is not carried out again.</summary>
    public const int RememberedAckIds = 1000;

    /// <summary>Streams that one connection publishes at once.</summary>
    public const int Streams = 100;

    /// <summary>Invocations of one connection that wait for their answer.</summary>
    public const int Invocations = 100;

    /// <summary>Hubs, which are made at their first use.</summary>
    public const int Hubs = 100;

    /// <summary>Connections of one hub, those included that a reliable client may still recover.</summary>
    public const int Connections = 10_000;

    /// <summary>Members of a group that one page of their list has.</summary>
    public const int PageSize = 200;

    /// <summary>How long a reliable client that lost its socket may come back.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromSeconds(30);

    /// <summary>How long nothing may come on a stream, where its publisher says nothing else.</summary>
    public static readonly TimeSpan StreamIdle = TimeSpan.FromMinutes(5);

    /// <summary>How long a closed socket waits for the client's side of the close.</summary>
    public static readonly TimeSpan Close = TimeSpan.FromSeconds(2);

    /// <summary>How long the webhook may take.</summary>
    public static readonly TimeSpan Webhook = TimeSpan.FromSeconds(30);
}
