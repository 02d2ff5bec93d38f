using System.Net.WebSockets;
using System.Text.Json;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>Writes down what is seen, as it is seen.</summary>
internal sealed class HistoryRecorder
{
    private readonly List<HistoryEvent> _events = [];

    /// <summary>Microseconds of the Unix epoch.</summary>
    public static long Now => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public IReadOnlyList<HistoryEvent> Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }

    public void Add(HistoryEvent one)
    {
        lock (_events)
        {
            _events.Add(one);
        }
    }

    /// <summary>Notes an update that a client got.</summary>
    /// <param name="group">The channel that it listens to.</param>
    public Told AddTold(string client, string group, JsonElement update, bool isCaughtUp)
    {
        var payload = update.GetProperty("payload");
        var (isFinal, message) = (payload.GetProperty("final_message").GetBoolean(), payload.GetProperty("message").GetString()!);
        var call = payload.TryGetProperty("tool", out var tool) ? tool : default(JsonElement?);
        var told = new Told(
            Now, client, group, update.GetProperty("channel").GetString()!, payload.GetProperty("message_id").GetString(), payload.TryGetProperty("sequence", out var sequence) ? sequence.GetInt64() : null,
            payload.GetProperty("status").GetString()!, payload.GetProperty("type").GetString()!, isFinal, isFinal ? message : null, message.Length, TextHash.Of(message),
            payload.GetProperty("thread_id").GetString(), call?.GetProperty("call_id").GetString(), call?.GetProperty("state").GetString(), isCaughtUp)
        {
            OutputTokens = payload.TryGetProperty("usage", out var usage) ? usage.GetProperty("output_tokens").GetInt64() : null,
        };
        Add(told);
        return told;
    }
}

/// <summary>A front end on one channel. It comes back when its connection breaks, and asks for what it has missed.</summary>
/// <param name="name">Its name in the history.</param>
/// <param name="connect">Gets it an address.</param>
/// <param name="catchUp">Asks what came after a sequence.</param>
internal sealed class RecordingClient(
    string name, string channel, HistoryRecorder recorder, Func<CancellationToken, Task<Uri>> connect, Func<long, CancellationToken, Task<JsonElement>> catchUp) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _stopping = new();
    private readonly HashSet<string> _ended = [];
    private ClientWebSocket? _socket;
    private Task _listening = Task.CompletedTask;

    /// <summary>Up to here it has everything; what came after has a gap before it, or not.</summary>
    private long _whole;

    /// <summary>The messages whose end it has seen.</summary>
    public IReadOnlyCollection<string> Ended
    {
        get
        {
            lock (_ended)
            {
                return [.. _ended];
            }
        }
    }

    /// <summary>Listens from now on, until it is disposed of. Returns when it does.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await JoinAsync(cancellationToken);
        _listening = Task.Run(ListenAsync, CancellationToken.None);
    }

    /// <summary>Breaks its connection; it comes back.</summary>
    public void Drop() => _socket?.Abort();

    /// <summary>Asks once more for what it may have missed.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        foreach (var update in (await catchUp(_whole, cancellationToken)).GetProperty("updates").EnumerateArray())
        {
            // Of a text that grows only the newest stands there.
            _whole = Math.Max(_whole, Note(update, isCaughtUp: true).Sequence!.Value);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _socket?.Abort();
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket?.Dispose();
        _stopping.Dispose();
    }

    private async Task JoinAsync(CancellationToken cancellationToken)
    {
        var address = await connect(cancellationToken);
        _socket?.Dispose();
        _socket = new ClientWebSocket();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        await _socket.ConnectAsync(address, limit.Token);
        recorder.Add(new Joined(HistoryRecorder.Now, name, channel));
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[1 << 16];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var length = 0;
                while (_socket!.State == WebSocketState.Open)
                {
                    if (length == buffer.Length)
                    {
                        Array.Resize(ref buffer, length * 2);
                    }

                    var part = await _socket.ReceiveAsync(buffer.AsMemory(length), _stopping.Token);
                    length += part.Count;
                    if (part.MessageType == WebSocketMessageType.Close)
                    {
                        break;
                    }

                    if (part.EndOfMessage)
                    {
                        using var update = JsonDocument.Parse(buffer.AsMemory(0, length));
                        Note(update.RootElement, isCaughtUp: false);
                        length = 0;
                    }
                }
            }
            catch (Exception error) when (error is WebSocketException or IOException || (error is OperationCanceledException && !_stopping.IsCancellationRequested))
            {
                // It comes back, also where it broke the connection itself.
            }

            recorder.Add(new Left(HistoryRecorder.Now, name, channel));
            await ComeBackAsync();
        }
    }

    private async Task ComeBackAsync()
    {
        while (true)
        {
            try
            {
                await Task.Delay(Pause, _stopping.Token);
                await JoinAsync(_stopping.Token);
                await CatchUpAsync(_stopping.Token);
                return;
            }
            catch (Exception error) when (error is WebSocketException or HttpRequestException or IOException or JsonException || (error is OperationCanceledException && !_stopping.IsCancellationRequested))
            {
                // The app or Web PubSub is away, or says that it cannot: later.
            }
        }
    }

    private Told Note(JsonElement update, bool isCaughtUp)
    {
        var told = recorder.AddTold(name, channel, update, isCaughtUp);
        _whole = told.Sequence == _whole + 1 ? told.Sequence.Value : _whole;
        if (told is { IsFinal: true, MessageId: { } messageId })
        {
            lock (_ended)
            {
                _ended.Add(messageId);
            }
        }

        return told;
    }
}
