namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>A message on its way to many connections: each form that the clients' protocols ask for is written once.</summary>
internal sealed class OutboundMessage(MessageContent content, string? group = null, string? fromUserId = null)
{
    private byte[]? _envelope;

    /// <summary>The payload alone, as simple clients get it.</summary>
    public Frame Raw => new(content.Bytes, IsText: content.Type != DataType.Binary);

    /// <summary>The JSON subprotocol's frame.</summary>
    public Frame Envelope => new(_envelope ??= Frames.Message(content, group, fromUserId));

    /// <summary>The JSON subprotocol's frame with a sequence id.</summary>
    public Frame Sequenced(ulong sequenceId) => new(Frames.WithSequenceId(Envelope.Bytes.Span, sequenceId));
}
