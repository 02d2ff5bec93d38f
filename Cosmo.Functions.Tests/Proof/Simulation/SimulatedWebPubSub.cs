using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using NSubstitute;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>Web PubSub as one process reaches it by REST. A request that is given up before it arrived does not arrive.</summary>
internal sealed class SimulatedWebPubSub(Schedule schedule, SimulatedWorker worker) : WebPubSubServiceClient
{
    private static readonly Response Taken = Substitute.For<Response>();

    public override Task<Response> SendToGroupAsync(
        string group, RequestContent content, ContentType contentType, IEnumerable<string>? excluded = null, string? filter = null, RequestContext? context = null)
    {
        using var body = new MemoryStream();
        content.WriteTo(body, CancellationToken.None);
        var (isFinal, arrive) = Read(group, body.GetBuffer().AsSpan(0, (int)body.Length));
        var sent = new TaskCompletionSource<Response>();
        var fails = !isFinal && schedule.Random.Percent(5);
        var step = fails ? schedule.Add(worker, Delay.Send, null, () => sent.TrySetException(new RequestFailedException(503, "Away.")))
            : schedule.Add(worker, Delay.Send, arrive, () => sent.TrySetResult(Taken));
        context?.CancellationToken.Register(() =>
        {
            if (!sent.Task.IsCompleted)
            {
                schedule.CheckThread();
                schedule.Remove(step);
                sent.TrySetCanceled();
            }
        });
        return sent.Task;
    }

    /// <summary>What happens when a message to a group arrives.</summary>
    public (bool IsFinal, Action Arrive) Read(string group, ReadOnlySpan<byte> json)
    {
        var update = JsonSerializer.Deserialize<Update>(json, CosmoJson.Options)!;
        var isInPieces = group == GroupName.ForDeltas(update.Channel);
        var piece = isInPieces && update.Payload.IsText ? JsonSerializer.Deserialize<PieceUpdate>(json, CosmoJson.Options)!.Payload : null;
        return (update.Payload.FinalMessage, () => Arrive(update, isInPieces, piece));
    }

    private void Arrive(Update update, bool isInPieces, Piece? piece)
    {
        if (piece is not null)
        {
            schedule.Promises.Arrive(update.Channel, update.Payload, piece.Offset, piece.Text);
        }
        else if (!isInPieces)
        {
            schedule.Promises.Arrive(worker, update.Channel, update.Payload);
        }
    }

    private sealed record PieceUpdate(Piece Payload);

    private sealed record Piece(int Offset, string Text);
}
