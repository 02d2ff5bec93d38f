namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>What a reliable client has been sent and has not acknowledged, in order. Not thread-safe.</summary>
internal sealed class UnacknowledgedMessages
{
    private readonly Queue<(ulong SequenceId, Frame Frame, DateTimeOffset? Expires)> _messages = new();
    private ulong _lastSequenceId;
    private long _bytes;

    /// <summary>What is to be sent again: whatever has not expired.</summary>
    public IEnumerable<Frame> FramesAt(DateTimeOffset now) => _messages.Where(message => !(message.Expires <= now)).Select(message => message.Frame);

    /// <summary>Whether more is kept than the service promises to keep.</summary>
    public bool IsOverflowing => _messages.Count > Limits.UnacknowledgedMessages || _bytes > Limits.QueuedBytes;

    /// <summary>Gives the message its sequence id and keeps its frame.</summary>
    public Frame Add(OutboundMessage message)
    {
        var frame = message.Sequenced(++_lastSequenceId);
        _messages.Enqueue((_lastSequenceId, frame, message.Expires));
        _bytes += frame.Bytes.Length;
        return frame;
    }

    /// <summary>Lets go of everything up to and with a sequence id.</summary>
    public void Acknowledge(ulong sequenceId)
    {
        while (_messages.TryPeek(out var oldest) && oldest.SequenceId <= sequenceId)
        {
            _messages.Dequeue();
            _bytes -= oldest.Frame.Bytes.Length;
        }
    }
}
