using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Delivery;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>A process's connection to Web PubSub: the real one, over WebSockets that are made up.</summary>
internal sealed class SimulatedPublisherConnection(Schedule schedule, SimulatedWorker worker, SimulatedWebPubSub webPubSub, SimulatedClock clock)
    : PublisherConnection(webPubSub, clock, NullLogger<PublisherConnection>.Instance)
{
    private SimulatedSocket? _socket;

    /// <summary>It waits for a confirmation, or for a connection.</summary>
    public bool IsWaiting => _socket is not { IsIdle: true };

    /// <summary>Connects, now and whenever a connection is gone.</summary>
    public void Begin() => _ = ExecuteAsync(CancellationToken.None);

    protected override async Task<WebSocket> ConnectAsync(CancellationToken cancellationToken)
    {
        var connected = new TaskCompletionSource();
        var fails = schedule.Sockets.Percent(20);
        schedule.Add(worker, Delay.Send, null, () => _ = fails ? connected.TrySetException(new WebSocketException("Away.")) : connected.TrySetResult());
        await connected.Task;
        schedule.Tell($"{worker} has a WebSocket");
        return _socket = new SimulatedSocket(schedule, worker, webPubSub);
    }
}

/// <summary>
/// A WebSocket on which what is sent arrives in its order, and is confirmed in its order. It may break, fall silent for some seconds, or have a message refused; what has not arrived when it is
/// given up does not arrive.
/// </summary>
internal sealed class SimulatedSocket(Schedule schedule, SimulatedWorker worker, SimulatedWebPubSub webPubSub) : WebSocket
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    private readonly Queue<(ulong Id, Action Arrive)> _sent = new();
    private readonly Queue<(ulong Id, bool IsTaken)> _toConfirm = new();
    private readonly Queue<byte[]> _toRead = new();
    private TaskCompletionSource? _reading;
    private Step? _arriving;
    private Step? _confirming;
    private bool _isGone;

    /// <summary>All that was sent is confirmed, or lost with the connection that everybody knows to be gone.</summary>
    public bool IsIdle => !_isGone && _sent.Count == 0 && _toConfirm.Count == 0 && _toRead.Count == 0;

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => _isGone ? WebSocketState.Aborted : WebSocketState.Open;

    public override string? SubProtocol => "json.webpubsub.azure.v1";

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        schedule.CheckThread();
        ThrowIfGone();
        using var frame = JsonDocument.Parse(buffer);
        var message = frame.RootElement;
        var (_, arrive) = webPubSub.Read(message.GetProperty("group").GetString()!, Encoding.UTF8.GetBytes(message.GetProperty("data").GetRawText()));
        _sent.Enqueue((message.GetProperty("ackId").GetUInt64(), arrive));
        ArriveNext();
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_toRead.Count == 0)
        {
            ThrowIfGone();
            _reading = new TaskCompletionSource();
            await _reading.Task;
        }

        var frame = _toRead.Dequeue();
        frame.CopyTo(buffer);
        return new ValueWebSocketReceiveResult(frame.Length, WebSocketMessageType.Text, endOfMessage: true);
    }

    public override void Abort()
    {
        if (_isGone)
        {
            return;
        }

        _isGone = true;
        foreach (var step in (Step?[])[_arriving, _confirming])
        {
            schedule.Remove(step!);
        }

        _sent.Clear();
        _toConfirm.Clear();
        _toRead.Clear();
        _reading?.TrySetResult();
    }

    public override void Dispose() => Abort();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) => throw new NotSupportedException();

    private void ArriveNext()
    {
        if (_arriving is not null || _sent.Count == 0)
        {
            return;
        }

        var isTaken = !schedule.Sockets.Percent(2);
        _arriving = schedule.Add(worker, Delay.Send, isTaken ? _sent.Peek().Arrive : null, () =>
        {
            _arriving = null;
            _toConfirm.Enqueue((_sent.Dequeue().Id, isTaken));
            if (schedule.Sockets.Percent(3))
            {
                schedule.Tell($"the WebSocket of {worker} breaks");
                Abort();
                return;
            }

            if (schedule.Sockets.Percent(3))
            {
                schedule.Tell($"the WebSocket of {worker} is silent");
                worker.Clock.CreateTimer(_ => ConfirmNext(), null, Silence, Timeout.InfiniteTimeSpan);
            }
            else
            {
                ConfirmNext();
            }

            ArriveNext();
        });
    }

    private void ConfirmNext()
    {
        if (_isGone || _confirming is not null || _toConfirm.Count == 0)
        {
            return;
        }

        _confirming = schedule.Add(worker, Delay.Send, null, () =>
        {
            _confirming = null;
            var (id, isTaken) = _toConfirm.Dequeue();
            _toRead.Enqueue(JsonSerializer.SerializeToUtf8Bytes(new { type = "ack", ackId = id, success = isTaken, error = isTaken ? null : new { name = "InternalServerError" } }));
            _reading?.TrySetResult();
            ConfirmNext();
        });
    }

    private void ThrowIfGone()
    {
        if (_isGone)
        {
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
        }
    }
}
