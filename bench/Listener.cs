using System.Net.WebSockets;
using System.Text.Json;

namespace Cosmo.Bench;

/// <summary>What became of one question; times in microseconds as <see cref="TimeToken.Now"/> has them.</summary>
/// <param name="messageId">The message.</param>
/// <param name="takesLags">Whether the age of every token is noted.</param>
/// <param name="isTimed">Whether the answer consists of <see cref="TimeToken"/>s.</param>
internal sealed class Asked(string messageId, bool takesLags, bool isTimed = true)
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string MessageId => messageId;

    public long Published { get; set; }

    public long? Started { get; set; }

    /// <summary>When the first text came, and how old its first token was.</summary>
    public (long At, long Age)? FirstText { get; set; }

    /// <summary>When the final update came, and how old its last token was.</summary>
    public (long At, long Age)? Final { get; set; }

    /// <summary>The final update's status; null while there is none.</summary>
    public string? Status { get; set; }

    public int Updates { get; set; }

    public long Bytes { get; set; }

    /// <summary>Of every token when it was first seen how old it was, and when that was.</summary>
    public List<(long At, int Age)> Lags { get; } = [];

    public int Seen { get; set; }

    public bool TakesLags => takesLags;

    public bool IsTimed => isTimed;

    /// <summary>The first text has come.</summary>
    public Task Begun => _begun.Task;

    public Task Ended => _ended.Task;

    public void Begin() => _begun.TrySetResult();

    public void End() => _ended.TrySetResult();
}

/// <summary>A front end: one WebSocket on a channel, which hears one answer at a time.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private byte[] _buffer = new byte[16 * 1024];
    private Task _reading = Task.CompletedTask;
    private volatile Asked? _asked;

    private Listener(string channel) => Channel = channel;

    public string Channel { get; }

    /// <summary>Told of each final update, expected or not, by the id of its message.</summary>
    public Action<string>? Ended { get; set; }

    public static async Task<Listener> ConnectAsync(Uri webPubSub, string channel, CancellationToken cancellationToken)
    {
        var listener = new Listener(channel);
        var address = new Uri(webPubSub, $"client/hubs/{Stack.Hub}");
        var token = Stack.Token(address, [], [channel]);
        listener._socket.Options.AddSubProtocol("json.webpubsub.azure.v1");
        await listener._socket.ConnectAsync(new Uri($"ws://{address.Authority}{address.AbsolutePath}?access_token={token}"), cancellationToken);
        listener._reading = Task.Run(listener.ReadAsync, CancellationToken.None);
        return listener;
    }

    public void Expect(Asked asked) => _asked = asked;

    public async ValueTask DisposeAsync()
    {
        _socket.Abort();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        var length = 0;
        while (_socket.State == WebSocketState.Open)
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, length * 2);
            }

            var part = await _socket.ReceiveAsync(_buffer.AsMemory(length), CancellationToken.None);
            length += part.Count;
            if (part.EndOfMessage)
            {
                Hear(_buffer.AsSpan(0, length), TimeToken.Now);
                length = 0;
            }
        }
    }

    private void Hear(ReadOnlySpan<byte> message, long now)
    {
        if (!Payload.TryRead(message, out var payload))
        {
            return;
        }

        if (payload.IsFinal)
        {
            Ended?.Invoke(payload.MessageId);
        }

        if (_asked is not { } asked || payload.MessageId != asked.MessageId)
        {
            return;
        }

        asked.Updates++;
        asked.Bytes += message.Length;
        if (payload.Status == "started")
        {
            asked.Started ??= now;
        }
        else if (payload.Status == "in_progress" && payload.Text.Length > 0)
        {
            asked.Begin();
            if (asked.IsTimed)
            {
                asked.FirstText ??= (now, TimeToken.AgeOf(payload.Text, now));
                Note(asked, payload, now);
            }
        }

        if (payload.IsFinal)
        {
            asked.Status = payload.Status;
            if (asked.IsTimed && payload.Status == "completed")
            {
                asked.Final = (now, TimeToken.AgeOf(payload.Text.AsSpan(payload.Text.Length - TimeToken.Length), now));
                Note(asked, payload, now);
            }

            asked.End();
        }
    }

    private static void Note(Asked asked, in Payload payload, long now)
    {
        var end = (payload.Offset + payload.Text.Length) / TimeToken.Length;
        for (; asked.Seen < end; asked.Seen++)
        {
            if (asked.TakesLags)
            {
                asked.Lags.Add((now, (int)TimeToken.AgeOf(payload.Text.AsSpan((asked.Seen * TimeToken.Length) - payload.Offset), now)));
            }
        }
    }

    /// <summary>What an update says; offset is where its text begins, 0 where it has all of it.</summary>
    private readonly record struct Payload(string MessageId, string Status, bool IsFinal, string Text, int Offset)
    {
        public static bool TryRead(ReadOnlySpan<byte> message, out Payload payload)
        {
            payload = new Payload("", "", false, "", 0);
            var json = new Utf8JsonReader(message);
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 3)
                {
                    var (isMessage, isStatus, isFinal, isId, isOffset) =
                        (json.ValueTextEquals("message"u8), json.ValueTextEquals("status"u8), json.ValueTextEquals("final_message"u8), json.ValueTextEquals("message_id"u8), json.ValueTextEquals("offset"u8));
                    json.Read();
                    payload = isMessage ? payload with { Text = json.GetString() ?? "" }
                        : isStatus ? payload with { Status = json.GetString() ?? "" }
                        : isFinal ? payload with { IsFinal = json.GetBoolean() }
                        : isId ? payload with { MessageId = json.GetString() ?? "" }
                        : isOffset ? payload with { Offset = json.GetInt32() }
                        : payload;
                }
            }

            return payload.Status.Length > 0;
        }
    }
}
