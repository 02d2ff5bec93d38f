using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>
/// Sends a message and hears its updates until the final one. A connection that breaks is made up for by asking for what was missed, and so is a channel
/// that is open to its users alone.
/// </summary>
internal sealed class AnswerListener(Deployment deployment, string messageId, Action<JsonObject> hear)
{
    private const int LongestUpdate = 1 << 20;

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.25);

    private long _sequence;
    private JsonObject? _final;

    /// <returns>What the final update says.</returns>
    /// <exception cref="TerminalException">The message was not taken, or the deployment does not answer.</exception>
    /// <exception cref="OperationCanceledException">No final update came before the token was cancelled.</exception>
    public async Task<JsonObject> SendAsync(string channel, JsonObject message, CancellationToken cancellationToken)
    {
        var address = $"channels/{RouteName.Write(channel)}";
        using var socket = new ClientWebSocket();
        var url = await NegotiateAsync($"{address}/negotiate", cancellationToken);
        await (url is null ? Task.CompletedTask : ConnectAsync(socket, url, cancellationToken));
        message["message_id"] = messageId;
        await deployment.CallAsync(HttpMethod.Post, $"{address}/messages", message, cancellationToken);
        await ReceiveAsync(socket, cancellationToken);
        await PollAsync(url is null ? $"operator/{address}/updates" : $"{address}/updates", cancellationToken);
        return _final!;
    }

    /// <summary>Null where the channel is open to its users alone; an operator may still ask for what is said there.</summary>
    private async Task<string?> NegotiateAsync(string address, CancellationToken cancellationToken)
    {
        try
        {
            return (await deployment.CallAsync(HttpMethod.Post, address, null, cancellationToken))["url"]!.GetValue<string>();
        }
        catch (TerminalException e) when (e.InnerException is null && e.ExitCode == ExitCodes.Unreachable)
        {
            return null;
        }
    }

    private static async Task ConnectAsync(ClientWebSocket socket, string url, CancellationToken cancellationToken)
    {
        try
        {
            await socket.ConnectAsync(new Uri(url), cancellationToken);
        }
        catch (WebSocketException)
        {
            // The answer can still be asked for.
        }
    }

    private async Task ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[LongestUpdate];
        try
        {
            while (_final is null && socket.State == WebSocketState.Open)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                    length += received.Count;
                }
                while (!received.EndOfMessage && length < buffer.Length);

                if (received.MessageType == WebSocketMessageType.Close || !received.EndOfMessage)
                {
                    return;
                }

                Take(JsonNode.Parse(buffer.AsSpan(0, length)) as JsonObject);
            }
        }
        catch (Exception e) when (e is WebSocketException or JsonException)
        {
            // What is missing is asked for.
        }
    }

    private async Task PollAsync(string address, CancellationToken cancellationToken)
    {
        while (_final is null)
        {
            var answer = await deployment.CallAsync(HttpMethod.Get, $"{address}?after={_sequence}", null, cancellationToken);
            foreach (var update in answer["updates"]!.AsArray())
            {
                Take(update as JsonObject);
            }

            if (_final is null)
            {
                await Task.Delay(PollInterval, cancellationToken);
            }
        }
    }

    private void Take(JsonObject? update)
    {
        if (update?["payload"] is not JsonObject payload || payload["message_id"]?.ToString() != messageId || _final is not null)
        {
            return;
        }

        _sequence = payload["sequence"]?.GetValue<long>() ?? _sequence;
        _final = payload["final_message"]?.GetValue<bool>() == true ? payload : null;
        hear(update);
    }
}
