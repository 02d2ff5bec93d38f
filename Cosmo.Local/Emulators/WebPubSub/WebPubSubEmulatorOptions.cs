using Cosmo.Local.Emulators.WebPubSub.Events;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>Where the emulator listens, what it accepts and which hubs' events it forwards.</summary>
internal sealed record WebPubSubEmulatorOptions
{
    /// <summary>A loopback http address. Port 0 takes a free one.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:0");

    /// <summary>The text of the access key, 16 characters at least; what HS256 needs.</summary>
    public required string AccessKey { get; init; }

    /// <summary>The event handler of each hub. A hub without one has nobody to take its clients' events.</summary>
    public IReadOnlyDictionary<string, WebPubSubEventHandler> EventHandlers { get; init; } = new Dictionary<string, WebPubSubEventHandler>();

    /// <summary>The clock of token lifetimes, of delays and of the time that a reliable client may be away.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentException">An option does not hold; the message names it and how to mend it.</exception>
    public void Validate()
    {
        if (Url.Scheme != Uri.UriSchemeHttp || !Url.IsLoopback)
        {
            throw new ArgumentException($"Url is {Url}, but the Web PubSub emulator listens on loopback over http only. Use http://127.0.0.1:PORT.");
        }

        if (AccessKey.Length < 16)
        {
            throw new ArgumentException("AccessKey has less than 16 characters. Use a longer one in the connection string.");
        }
    }
}
