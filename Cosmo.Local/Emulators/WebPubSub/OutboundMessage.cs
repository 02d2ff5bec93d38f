using Cosmo.Local.Emulators.WebPubSub.Clients;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>A message on its way to many connections: each form that the clients' protocols ask for is written once.</summary>
internal sealed class OutboundMessage(MessageContent content, string? group = null, string? fromUserId = null)
{
    private byte[]? _envelope;

    /// <summary>Its place in a stream; null if it belongs to none.</summary>
    public StreamPart? Stream { get; init; }

    /// <summary>After this it is not sent again to a reliable client that comes back; null for no such time.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>The payload alone, as simple clients get it; null for the end of a stream, which they cannot tell from a message.</summary>
    public Frame? Raw => Stream is { IsEnd: true } ? null : new(content.Bytes, IsText: content.Type != DataType.Binary);

    /// <summary>The JSON subprotocol's frame.</summary>
    public Frame Envelope => new(_envelope ??= Frames.Message(content, group, fromUserId, Stream));

    /// <summary>The JSON subprotocol's frame with a sequence id.</summary>
    public Frame Sequenced(ulong sequenceId) => new(Frames.WithSequenceId(Envelope.Bytes.Span, sequenceId));
}
