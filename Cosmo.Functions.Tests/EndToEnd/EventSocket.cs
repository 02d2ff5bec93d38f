using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A connection with Web PubSub's JSON subprotocol, over which a browser sends events.</summary>
internal sealed class EventSocket : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[1 << 16];

    public static async Task<EventSocket> ConnectAsync(string url)
    {
        var socket = new EventSocket();
        socket._socket.Options.AddSubProtocol("json.webpubsub.azure.v1");
        await socket._socket.ConnectAsync(new Uri(url), TestContext.Current.CancellationToken);
        return socket;
    }

    public Task SendAsync(string name, JsonObject data) => _socket.SendAsync(
        Encoding.UTF8.GetBytes(new JsonObject { ["type"] = "event", ["event"] = name, ["dataType"] = "json", ["data"] = data }.ToJsonString()),
        WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);

    /// <summary>The payload of the first update that fits.</summary>
    public async Task<JsonObject> UntilAsync(Func<JsonObject, bool> fits)
    {
        while (true)
        {
            using var message = new MemoryStream();
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(_buffer.AsMemory(), TestContext.Current.CancellationToken);
                message.Write(_buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);

            if (JsonNode.Parse(message.ToArray())!["data"]?["payload"] is JsonObject payload && fits(payload))
            {
                return payload;
            }
        }
    }

    public void Dispose()
    {
        _socket.Abort();
        _socket.Dispose();
    }
}
