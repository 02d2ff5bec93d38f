using System.Buffers;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>
/// One socket: frames in, and a bounded queue of frames out that one loop sends in order. Frames can be queued before
/// the socket is there, so that a client misses nothing from the moment its socket opens.
/// </summary>
internal sealed class SocketSession(CancellationToken stopping) : IDisposable
{
    private readonly Channel<Frame> _queue = Channel.CreateUnbounded<Frame>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    private readonly ArrayBufferWriter<byte> _received = new();
    private int _queuedFrames;
    private long _queuedBytes;
    private CloseFrame? _close;
    private WebSocket? _socket;
    private bool _aborted;
    private bool _clientClosed;

    /// <summary>Whether this side has closed the socket.</summary>
    public bool IsClosing => Volatile.Read(ref _close) is not null;

    /// <summary>Queues a frame. False if the client has left too much unread; it must be closed then.</summary>
    public bool TrySend(Frame frame)
    {
        if (_clientClosed)
        {
            return true;
        }

        if (Interlocked.Increment(ref _queuedFrames) > Limits.QueuedFrames
            || Interlocked.Add(ref _queuedBytes, frame.Bytes.Length) > Limits.QueuedBytes)
        {
            return false;
        }

        _queue.Writer.TryWrite(frame);
        return true;
    }

    /// <summary>Sends what is queued, then the close frame. Does not wait for it.</summary>
    public void Close(WebSocketCloseStatus status, string reason)
    {
        if (Interlocked.CompareExchange(ref _close, new CloseFrame(status, reason), null) is null)
        {
            _queue.Writer.TryComplete();
            try
            {
                _ended.CancelAfter(Limits.Close);
            }
            catch (ObjectDisposedException)
            {
                // The socket ended at the same moment.
            }
        }
    }

    /// <summary>Cuts the socket off without a close frame, as a broken network does.</summary>
    public void Abort()
    {
        _aborted = true;
        _queue.Writer.TryComplete();
        Volatile.Read(ref _socket)?.Abort();
    }

    /// <summary>Takes the socket and sends queued frames until the session is closed or the socket breaks.</summary>
    public async Task RunSenderAsync(WebSocket socket)
    {
        Volatile.Write(ref _socket, socket);
        if (_aborted)
        {
            socket.Abort();
        }

        try
        {
            await foreach (var frame in _queue.Reader.ReadAllAsync(_ended.Token))
            {
                var type = frame.IsText ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
                await socket.SendAsync(frame.Bytes, type, endOfMessage: true, _ended.Token);
                Interlocked.Decrement(ref _queuedFrames);
                Interlocked.Add(ref _queuedBytes, -frame.Bytes.Length);
            }

            if (_close is { } close)
            {
                await socket.CloseOutputAsync(close.Status, close.ShortReason, _ended.Token);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            socket.Abort();
        }
    }

    /// <summary>The next whole message, valid until the next call; null once the client has closed the socket.</summary>
    /// <exception cref="WebSocketException">The socket broke.</exception>
    /// <exception cref="OperationCanceledException">The session was closed and the client did not answer in time.</exception>
    public async ValueTask<Frame?> ReceiveAsync()
    {
        _received.ResetWrittenCount();
        while (true)
        {
            var result = await _socket!.ReceiveAsync(_received.GetMemory(4096), _ended.Token);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                _clientClosed = true;
                return null;
            }

            _received.Advance(result.Count);
            if (_received.WrittenCount > Limits.MessageBytes)
            {
                Close(WebSocketCloseStatus.MessageTooBig, "A frame must not be larger than 1 MB.");
                _received.ResetWrittenCount();
            }
            else if (result.EndOfMessage && !IsClosing)
            {
                return new Frame(_received.WrittenMemory, result.MessageType == WebSocketMessageType.Text);
            }
            else if (result.EndOfMessage)
            {
                _received.ResetWrittenCount();
            }
        }
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _ended.Dispose();
    }

    private sealed record CloseFrame(WebSocketCloseStatus Status, string Reason)
    {
        /// <summary>A close frame holds 123 bytes of text; a character may need three.</summary>
        public string ShortReason => Reason.Length <= 41 ? Reason : Reason[..41];
    }
}
