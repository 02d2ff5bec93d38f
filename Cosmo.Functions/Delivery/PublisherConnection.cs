using System.Buffers;
using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Delivery;

/// <summary>
/// The process's own WebSocket to Web PubSub, by which updates go to groups: a message there is a frame that is confirmed, not a request, and a unit of Web PubSub takes
/// more than twice as many of them a second (<see href="https://learn.microsoft.com/azure/azure-web-pubsub/concept-performance"/>). It is connected for the life of the
/// process. Where it is not, or confirms nothing for a second, there is REST: no update depends on it.
/// </summary>
internal class PublisherConnection(WebPubSubServiceClient webPubSub, TimeProvider clock, ILogger<PublisherConnection> logger) : BackgroundService
{
    /// <summary>More than this is sent by REST. Web PubSub takes messages of a megabyte.</summary>
    private const int LargestBody = 900_000;

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>How long the token may be used to connect. An open connection keeps its right to send.</summary>
    private static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(5);

    private volatile Link? _link;

    /// <summary>Sends JSON to a group. False if it is not known to have arrived: then it has to be sent by REST.</summary>
    /// <param name="group">The group.</param>
    /// <param name="json">The message.</param>
    /// <param name="cancellationToken">Ends the sending of what has not left yet; what has is confirmed, or given up with the connection, within moments.</param>
    /// <exception cref="OperationCanceledException">It was cancelled before it left.</exception>
    public Task<bool> TrySendAsync(string group, ReadOnlyMemory<byte> json, CancellationToken cancellationToken) =>
        json.Length <= LargestBody && _link is { } link ? link.SendAsync(group, json, cancellationToken) : Task.FromResult(false);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = new Backoff(FirstWait, LongestWait, clock);
        do
        {
            var begun = clock.GetTimestamp();
            try
            {
                using var socket = await ConnectAsync(stoppingToken);
                _link = new Link(socket, clock, logger);
                await _link.RunAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                logger.PublisherNotConnected(e);
            }
            finally
            {
                _link = null;
            }

            if (clock.GetElapsedTime(begun) > LongestWait)
            {
                backoff = new Backoff(FirstWait, LongestWait, clock);
            }
        }
        while (await backoff.WaitAsync(null, stoppingToken));
    }

    /// <summary>Opens a connection that may send to groups.</summary>
    protected virtual async Task<WebSocket> ConnectAsync(CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(ConnectLimit, clock, cancellationToken);

        // Of no user, so that its messages look like those by REST.
        var address = await webPubSub.GetClientAccessUriAsync(TokenLife, userId: null, roles: ["webpubsub.sendToGroup"], cancellationToken: limit.Token);
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.AddSubProtocol("json.webpubsub.azure.v1");
            socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(15);
            socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(15);
            await socket.ConnectAsync(address, limit.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>One connection. When it fails, all that it has not confirmed has failed.</summary>
    private sealed class Link(WebSocket socket, TimeProvider clock, ILogger logger)
    {
        /// <summary>So long it may confirm nothing of what it was given.</summary>
        private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(1);

        /// <summary>Whoever has something to write writes it, and waits for no other thread to do so.</summary>
        private readonly Channel<Message> _toWrite = Channel.CreateUnbounded<Message>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

        private readonly ConcurrentDictionary<ulong, Message> _unconfirmed = new();
        private ulong _lastId;
        private long _heard;

        public async Task<bool> SendAsync(string group, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var message = new Message(Interlocked.Increment(ref _lastId), group, json);
            if (_unconfirmed.IsEmpty)
            {
                Hear();
            }

            _unconfirmed[message.Id] = message;
            if (!_toWrite.Writer.TryWrite(message))
            {
                _unconfirmed.TryRemove(message.Id, out _);
                return false;
            }

            using var cancelling = cancellationToken.UnsafeRegister(static message => ((Message)message!).TryCancel(), message);
            try
            {
                return await message.Confirmed;
            }
            finally
            {
                _unconfirmed.TryRemove(message.Id, out _);
            }
        }

        /// <summary>Runs until the connection is gone, or stopped.</summary>
        public async Task RunAsync(CancellationToken stopping)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            Task[] parts = [WriteAsync(ended.Token), ReadAsync(ended.Token), WatchAsync(ended.Token)];
            try
            {
                await await Task.WhenAny(parts);
            }
            finally
            {
                socket.Abort();

                // Not CancelAsync: it would have another thread do what is done at once here.
                ended.Cancel();
                await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                _toWrite.Writer.Complete();
                foreach (var (_, message) in _unconfirmed)
                {
                    message.Confirm(false);
                }
            }
        }

        private async Task WriteAsync(CancellationToken cancellationToken)
        {
            var frame = new ArrayBufferWriter<byte>(4096);
            await foreach (var message in _toWrite.Reader.ReadAllAsync(cancellationToken))
            {
                if (message.TryLeave())
                {
                    frame.ResetWrittenCount();
                    message.WriteTo(frame);
                    await socket.SendAsync(frame.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
                }
            }
        }

        private async Task ReadAsync(CancellationToken cancellationToken)
        {
            // What the service says to a publisher is short: confirmations.
            var buffer = new byte[4096];
            for (var length = 0; ;)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely, $"Web PubSub closed the connection ({socket.CloseStatus}).");
                }

                length += part.Count;
                if (part.EndOfMessage)
                {
                    Hear(buffer.AsSpan(0, length));
                    length = 0;
                }
                else if (length == buffer.Length)
                {
                    throw new InvalidDataException("Web PubSub sent a publisher more than a confirmation.");
                }
            }
        }

        private async Task WatchAsync(CancellationToken cancellationToken)
        {
            using var timer = new PeriodicTimer(LongestSilence / 2, clock);
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (!_unconfirmed.IsEmpty && clock.GetElapsedTime(Volatile.Read(ref _heard)) >= LongestSilence)
                {
                    throw new TimeoutException("Web PubSub confirms nothing.");
                }
            }
        }

        private void Hear() => Volatile.Write(ref _heard, clock.GetTimestamp());

        private void Hear(ReadOnlySpan<byte> frame)
        {
            Hear();
            var confirmation = JsonSerializer.Deserialize<Confirmation>(frame, JsonSerializerOptions.Web);
            if (confirmation is { Type: "ack", AckId: { } id } && _unconfirmed.TryRemove(id, out var message))
            {
                var isTaken = confirmation.Success || confirmation.Error?.Name == "Duplicate";
                message.Confirm(isTaken);
                if (!isTaken)
                {
                    logger.NotPublished(confirmation.Error?.Name ?? "?");
                }
            }
        }
    }

    /// <summary>A message on its way. What has left cannot be called back.</summary>
    private sealed class Message(ulong id, string group, ReadOnlyMemory<byte> json)
    {
        private const int Waits = 0;
        private const int HasLeft = 1;
        private const int IsCancelled = 2;

        /// <summary>Who waits goes on where the confirmation was read: that is not long.</summary>
        private readonly TaskCompletionSource<bool> _confirmed = new();
        private int _state;

        public ulong Id => id;

        public Task<bool> Confirmed => _confirmed.Task;

        public void Confirm(bool isTaken) => _confirmed.TrySetResult(isTaken);

        public bool TryLeave() => Interlocked.CompareExchange(ref _state, HasLeft, Waits) == Waits;

        public void TryCancel()
        {
            if (Interlocked.CompareExchange(ref _state, IsCancelled, Waits) == Waits)
            {
                _confirmed.TrySetCanceled();
            }
        }

        public void WriteTo(IBufferWriter<byte> frame)
        {
            Encoding.UTF8.GetBytes($$"""{"type":"sendToGroup","group":"{{JsonEncodedText.Encode(group)}}","ackId":{{id}},"dataType":"json","data":""", frame);
            frame.Write(json.Span);
            frame.Write("}"u8);
        }
    }

    /// <summary>What the service says of a message, in the JSON subprotocol.</summary>
    private sealed record Confirmation(string? Type, ulong? AckId, bool Success, ConfirmationError? Error);

    private sealed record ConfirmationError(string? Name);
}
