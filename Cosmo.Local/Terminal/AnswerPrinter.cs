using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>Sends a message and prints its answer while it grows. A connection that breaks is made up for by asking for what was missed.</summary>
internal sealed class AnswerPrinter(TerminalSession session)
{
    private const int LongestUpdate = 1 << 20;

    /// <summary>Longer than Cosmo itself lets an answer take by default.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly string _messageId = Guid.NewGuid().ToString();
    private string _printed = "";
    private JsonObject? _final;

    public async Task<int> SendAsync(string channel, string text)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(session.CancellationToken);
        limit.CancelAfter(Patience);
        var address = $"channels/{RouteName.Write(channel)}";
        try
        {
            using var socket = new ClientWebSocket();
            var url = await NegotiateAsync($"{address}/negotiate");
            await (url is null ? Task.CompletedTask : ConnectAsync(socket, url, limit.Token));
            await session.PostAsync($"{address}/messages", new JsonObject { ["message"] = text, ["message_id"] = _messageId });
            await ReceiveAsync(socket, limit.Token);
            await PollAsync(url is null ? $"operator/{address}/updates" : $"{address}/updates", limit.Token);
        }
        catch (OperationCanceledException) when (!session.CancellationToken.IsCancellationRequested)
        {
            throw new TerminalException(ExitCodes.Failed, $"No answer came within {Patience.TotalMinutes} minutes. See: cosmo conversation {_messageId}");
        }

        return End();
    }

    /// <summary>Null where the channel is open to its users alone; an operator may still ask for what is said there.</summary>
    private async Task<string?> NegotiateAsync(string address)
    {
        try
        {
            return (await session.PostAsync(address))["url"]!.GetValue<string>();
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
            var answer = await session.GetAsync(address);
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
        if (update?["payload"] is not JsonObject payload || payload["message_id"]?.ToString() != _messageId || _final is not null)
        {
            return;
        }

        if (session.IsJson)
        {
            Console.WriteLine(update.ToJsonString(TerminalSession.Lines));
        }
        else if (payload["type"]?.ToString() == "response")
        {
            Print(payload["message"]!.ToString());
        }
        else if (payload["type"]?.ToString() == "tool")
        {
            Console.Error.WriteLine(Tables.Line(payload["message"]));
        }

        _final = payload["final_message"]?.GetValue<bool>() == true ? payload : null;
    }

    /// <summary>Each text holds all of the answer so far: what is new of it is printed.</summary>
    private void Print(string text)
    {
        var safe = string.Concat(text.Where(c => !char.IsControl(c) || c is '\n' or '\t'));
        Console.Write(safe.StartsWith(_printed, StringComparison.Ordinal) ? safe[_printed.Length..] : $"\n{safe}");
        _printed = safe;
    }

    private int End()
    {
        if (_printed.Length > 0)
        {
            Console.WriteLine();
        }

        if (_final!["status"]?.ToString() == "completed")
        {
            return ExitCodes.Done;
        }

        throw new TerminalException(ExitCodes.Failed, $"{Tables.Line(_final["message"])} ({Tables.Line(_final["error_details"])})");
    }
}
