namespace Cosmo.Local.Emulators.OpenAI;

/// <summary>How an <see cref="OpenAIEmulator"/> runs.</summary>
internal sealed record OpenAIEmulatorOptions
{
    /// <summary>Where it listens; only the port is looked at. Port 0, the default, takes a free one.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:0");

    /// <summary>The clock of timestamps, delays and pace.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The time between two tokens; 20 ms by default, zero for as fast as possible.</summary>
    public TimeSpan TokenPace { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The time before the first token of a response; 150 ms by default.</summary>
    public TimeSpan FirstTokenDelay { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How many conversations are kept; beyond it the longest unused is forgotten. 10,000 by default.</summary>
    public int MaxConversations { get; init; } = 10_000;

    /// <summary>How many responses are kept; beyond it the longest unused is forgotten. 5,000 by default.</summary>
    public int MaxResponses { get; init; } = 5_000;

    /// <summary>How many items a conversation keeps; beyond it whole turns are dropped from its beginning. 2,000 by default.</summary>
    public int MaxItems { get; init; } = 2_000;

    /// <summary>How many requests <c>GET /emulator/requests</c> can show. 1,000 by default.</summary>
    public int MaxLoggedRequests { get; init; } = 1_000;
}
