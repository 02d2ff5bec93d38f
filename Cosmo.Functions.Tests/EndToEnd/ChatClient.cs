using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A WebSocket client without subprotocol that keeps every update it gets.</summary>
internal sealed class ChatClient : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonObject> _updates = Channel.CreateUnbounded<JsonObject>();
    private readonly List<JsonObject> _seen = [];
    private Task _receiving = Task.CompletedTask;

    /// <summary>Every update that the test has read, in order.</summary>
    public IReadOnlyList<JsonObject> Seen => _seen;

    public static async Task<ChatClient> ConnectAsync(Uri url)
    {
        var client = new ChatClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await client._socket.ConnectAsync(url, limit.Token);
        client._receiving = client.ReceiveAsync();
        return client;
    }

    /// <summary>The next update's payload.</summary>
    /// <exception cref="TimeoutException">None came in time.</exception>
    public async Task<JsonObject> NextAsync(int seconds = 30)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            _seen.Add(await _updates.Reader.ReadAsync(limit.Token));
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No update came within {seconds} s. The last that came: {_seen.LastOrDefault()}");
        }

        return _seen[^1]["payload"]!.AsObject();
    }

    /// <summary>Reads until a message has its final update, and returns that.</summary>
    public async Task<JsonObject> FinalAsync(string messageId, int seconds = 30)
    {
        while (true)
        {
            var payload = await NextAsync(seconds);
            if (payload["message_id"]?.GetValue<string>() == messageId && payload["final_message"]!.GetValue<bool>())
            {
                return payload;
            }
        }
    }

    /// <summary>The finals that have come so far, by message id, in order.</summary>
    public IEnumerable<string> Finals() => Rest()
        .Select(update => update["payload"]!)
        .Where(payload => payload["final_message"]!.GetValue<bool>() && payload["message_id"] is not null)
        .Select(payload => payload["message_id"]!.GetValue<string>());

    /// <summary>Reads until a message has this status.</summary>
    public async Task<JsonObject> StatusAsync(string status, int seconds = 30)
    {
        while (true)
        {
            var payload = await NextAsync(seconds);
            if (payload["status"]!.GetValue<string>() == status)
            {
                return payload;
            }
        }
    }

    /// <summary>What has come and was not read yet; the caller has made sure that nothing is on its way.</summary>
    public IReadOnlyList<JsonObject> Rest()
    {
        while (_updates.Reader.TryRead(out var update))
        {
            _seen.Add(update);
        }

        return _seen;
    }

    public Task SendAsync(JsonObject message) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _receiving;
        _socket.Dispose();
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[1 << 20];
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += received.Count;
                }
                while (!received.EndOfMessage);

                if (received.MessageType == WebSocketMessageType.Close)
                {
                    _updates.Writer.TryComplete();
                    return;
                }

                _updates.Writer.TryWrite(JsonNode.Parse(buffer.AsSpan(0, length))!.AsObject());
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            _updates.Writer.TryComplete(e);
        }
    }
}
