namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>
/// The streams that one client publishes to groups. A stream's messages are numbered from 1: what comes again is not published again, and after a gap the
/// client is told where to go on. They outlive a reliable client's socket, as its connection does.
/// </summary>
internal sealed class PublishedStreams(Hub hub, ClientConnection connection, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, PublishedStream> _streams = new(StringComparer.Ordinal);

    /// <summary>Opens a stream; to open it again changes nothing.</summary>
    /// <param name="id">The client's name for it.</param>
    /// <param name="group">Who gets it.</param>
    /// <param name="noEcho">Whether its publisher does not.</param>
    /// <param name="idle">It ends by itself when nothing comes for so long.</param>
    /// <returns>Why it is refused; null if it is not.</returns>
    public Failure? Open(string id, string group, bool noEcho, TimeSpan idle)
    {
        lock (_gate)
        {
            if (!_streams.TryGetValue(id, out var stream))
            {
                if (_streams.Count >= Limits.Streams)
                {
                    return new Failure("BadRequest", $"A connection may publish {Limits.Streams} streams at once.");
                }

                stream = new PublishedStream(id, group, noEcho, idle);
                stream.Timer = time.CreateTimer(_ => EndIdle(stream), null, idle, Timeout.InfiniteTimeSpan);
                _streams[id] = stream;
            }

            connection.Send(Frames.StreamAck(id, stream.Expected));
            return null;
        }
    }

    /// <summary>Publishes a stream's next message; without one its time is only prolonged.</summary>
    public void Publish(string id, ulong? sequenceId, MessageContent? content)
    {
        lock (_gate)
        {
            if (Find(id) is not { } stream)
            {
                return;
            }

            stream.Timer?.Change(stream.Idle, Timeout.InfiniteTimeSpan);
            if (content is null || sequenceId is not { } number)
            {
                return;
            }

            if (number > stream.Expected)
            {
                connection.Send(Frames.StreamNack(id, new Failure("InvalidSequenceId", $"Message {stream.Expected} is expected, not {number}."), stream.Expected));
                return;
            }

            if (number == stream.Expected)
            {
                Send(stream, new OutboundMessage(content, stream.Group, connection.Identity.UserId) { Stream = new StreamPart(id, number) });
                stream.Expected++;
            }

            connection.Send(Frames.StreamAck(id, stream.Expected));
        }
    }

    /// <summary>Ends a stream, for those who listen with what its publisher says was wrong.</summary>
    public void End(string id, StreamError? error)
    {
        lock (_gate)
        {
            if (Find(id) is { } stream)
            {
                Close(stream, error, null);
            }
        }
    }

    private void EndIdle(PublishedStream stream)
    {
        lock (_gate)
        {
            if (_streams.ContainsKey(stream.Id))
            {
                var failure = new Failure("IdleTimeout", $"Nothing came for {stream.Idle.TotalSeconds} seconds.");
                Close(stream, new StreamError(failure.Name, failure.Message, null), failure);
            }
        }
    }

    private void Close(PublishedStream stream, StreamError? error, Failure? failure)
    {
        _streams.Remove(stream.Id);
        stream.Timer?.Dispose();
        Send(stream, new OutboundMessage(MessageContent.EmptyText, stream.Group, connection.Identity.UserId)
        {
            Stream = new StreamPart(stream.Id, stream.Expected, IsEnd: true, error),
        });
        connection.Send(Frames.StreamClosed(stream.Id, failure));
    }

    private void Send(PublishedStream stream, OutboundMessage message) =>
        hub.Send(hub.MembersOf(stream.Group).Where(member => !stream.NoEcho || member != connection), message);

    private PublishedStream? Find(string id)
    {
        var stream = _streams.GetValueOrDefault(id);
        if (stream is null)
        {
            connection.Send(Frames.StreamClosed(id, new Failure("StreamNotFound", "There is no such stream.")));
        }

        return stream;
    }

    private sealed class PublishedStream(string id, string group, bool noEcho, TimeSpan idle)
    {
        public string Id => id;

        public string Group => group;

        public bool NoEcho => noEcho;

        public TimeSpan Idle => idle;

        /// <summary>The number of its next message.</summary>
        public ulong Expected { get; set; } = 1;

        public ITimer? Timer { get; set; }
    }
}

/// <summary>Which message of a stream a message is.</summary>
internal sealed record StreamPart(string StreamId, ulong SequenceId, bool IsEnd = false, StreamError? Error = null);

/// <summary>Why a stream ended early.</summary>
internal sealed record StreamError(string Name, string Message, string? UserErrorCode);
