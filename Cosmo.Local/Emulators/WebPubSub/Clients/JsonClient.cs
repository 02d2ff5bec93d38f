using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Cosmo.Local.Emulators.WebPubSub.Events;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>A client of json.webpubsub.azure.v1 or json.reliable.webpubsub.azure.v1.</summary>
internal sealed class JsonClient(Hub hub, ClientConnection connection, EventDispatcher events, EmulatorControl control, TimeProvider time) : IClientProtocol
{
    private static readonly Failure Duplicate = new("Duplicate", "A request with this ackId has been carried out before.");
    private static readonly Failure NoHandler = new("InvocationFailed", "No event handler takes the event.");
    private static readonly Failure Refused = new("InternalServerError", "The event handler refused the event.");
    private static readonly Failure Fault = new("InternalServerError", "The emulator was told to refuse sends.");

    private readonly PublishedStreams _streams = new(hub, connection, time);
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _invocations = new(StringComparer.Ordinal);
    private Task _delayed = Task.CompletedTask;

    public async Task<string?> HandleAsync(Frame frame)
    {
        using var document = JsonDocument.Parse(frame.Bytes);
        var request = document.RootElement;
        switch (Text(request, "type"))
        {
            case "invoke":
                Invoke(request);
                return null;
            case "cancelInvocation":
                CancelInvocation(Text(request, "invocationId"));
                return null;
            case "sendToGroup" when request.TryGetProperty("stream", out var stream):
                OpenStream(request, stream);
                return null;
            case "streamData":
                _streams.Publish(Text(request, "streamId"), Id(request, "streamSequenceId"), request.TryGetProperty("data", out _) ? Content(request) : null);
                return null;
            case "streamEnd":
                _streams.End(Text(request, "streamId"), request.TryGetProperty("error", out var error) ? UserError(error) : null);
                return null;
            case "ping":
                connection.Send(Frames.Pong);
                return null;
            case "sequenceAck":
                connection.Acknowledge(Id(request, "sequenceId") ?? throw new JsonException("A sequenceAck needs a sequenceId."));
                return null;
        }

        var ackId = Id(request, "ackId");
        if (ackId is { } repeated && !connection.TryBegin(repeated))
        {
            connection.Send(Frames.Ack(repeated, Duplicate));
            return null;
        }

        if (control.Faults.DelayMs is > 0 and var delay && Text(request, "type") == "sendToGroup")
        {
            _delayed = PublishLaterAsync(Publication(request), ackId, _delayed, TimeSpan.FromMilliseconds(delay));
            return null;
        }

        var failure = Text(request, "type") switch
        {
            "joinGroup" => ChangeMembership(request, hub.Join),
            "leaveGroup" => ChangeMembership(request, hub.Leave),
            "sendToGroup" => Publication(request)(),
            "event" => await SendEventAsync(request),
            var type => throw new JsonException($"The type \"{type}\" is not supported."),
        };
        if (ackId is { } id)
        {
            connection.Send(Frames.Ack(id, failure));
        }

        return failure == Refused ? failure.Message : null;
    }

    private Failure? ChangeMembership(JsonElement request, Action<ClientConnection, string> change)
    {
        var group = Group(request);
        if (!connection.Permissions.Allows(Permissions.JoinLeaveGroup, group))
        {
            return Forbidden($"The client has no permission to join or leave group '{group}'.");
        }

        change(connection, group);
        return null;
    }

    /// <summary>Holds up what comes after it to groups, and nothing else. Is given up with its connection, as a request is.</summary>
    private async Task PublishLaterAsync(Func<Failure?> publish, ulong? ackId, Task before, TimeSpan delay)
    {
        await Task.Delay(delay, time);
        await before;
        if (connection.HasEnded)
        {
            return;
        }

        var failure = publish();
        if (ackId is { } id)
        {
            connection.Send(Frames.Ack(id, failure));
        }
    }

    /// <summary>What a request to send to a group asks for. Answers why it was not done.</summary>
    private Func<Failure?> Publication(JsonElement request)
    {
        var (group, content, noEcho) = (Group(request), Content(request), IsNoEcho(request));
        return () =>
        {
            if (control.Faults.Send is { IsInForce: true })
            {
                return Fault;
            }

            if (!connection.Permissions.Allows(Permissions.SendToGroup, group))
            {
                return Forbidden($"The client has no permission to send to group '{group}'.");
            }

            var receivers = hub.MembersOf(group).Where(member => !noEcho || member != connection);
            hub.Send(receivers, new OutboundMessage(content, group, connection.Identity.UserId));
            return null;
        };
    }

    private async Task<Failure?> SendEventAsync(JsonElement request) =>
        FailureOf(await events.SendUserEventAsync(connection, EventName(request), Content(request)));

    private static Failure? FailureOf(UserEventOutcome outcome) => outcome switch
    {
        UserEventOutcome.NoHandler => NoHandler,
        UserEventOutcome.Refused => Refused,
        _ => null,
    };

    /// <summary>Does not wait for the answer, so that the client can cancel.</summary>
    private void Invoke(JsonElement request)
    {
        if (Text(request, "target") != "event")
        {
            throw new JsonException("The target of an invocation must be event.");
        }

        var id = Text(request, "invocationId");
        var (eventName, content) = (EventName(request), request.TryGetProperty("data", out _) ? Content(request) : MessageContent.EmptyText);

        // Not disposed: whoever cancels may come late.
        var cancelled = new CancellationTokenSource();
        if (_invocations.Count >= Limits.Invocations || !_invocations.TryAdd(id, cancelled))
        {
            connection.Send(Frames.InvokeResponse(id, null, new Failure("BadRequest", "The invocation's id is in use, or too many wait for their answer.")));
            return;
        }

        _ = InvokeAsync();

        async Task InvokeAsync()
        {
            var (outcome, answer) = await events.InvokeAsync(connection, eventName, content, cancelled.Token);
            if (_invocations.TryRemove(id, out _))
            {
                connection.Send(Frames.InvokeResponse(id, answer, FailureOf(outcome)));
            }
        }
    }

    private void CancelInvocation(string id)
    {
        if (_invocations.TryRemove(id, out var cancelled))
        {
            cancelled.Cancel();
        }
    }

    private void OpenStream(JsonElement request, JsonElement stream)
    {
        var (id, group) = (Text(stream, "streamId"), Group(request));
        var idle = Id(stream, "idleTimeoutMs") is > 0 and var milliseconds ? TimeSpan.FromMilliseconds(Math.Min(milliseconds, int.MaxValue)) : Limits.StreamIdle;
        var failure = connection.Permissions.Allows(Permissions.SendToGroup, group)
            ? _streams.Open(id, group, IsNoEcho(request), idle)
            : Forbidden($"The client has no permission to send to group '{group}'.");
        if (failure is not null)
        {
            connection.Send(Frames.StreamClosed(id, failure));
        }
    }

    private static StreamError UserError(JsonElement error) => new(
        "UserError",
        Text(error, "message"),
        error.TryGetProperty("userErrorCode", out var code) && code.ValueKind == JsonValueKind.String ? code.GetString() : null);

    private static string EventName(JsonElement request) =>
        Text(request, "event") is { Length: > 0 and <= 128 } name && !name.Any(char.IsControl)
            ? name
            : throw new JsonException("The event's name must have 1 to 128 printable characters.");

    private static bool IsNoEcho(JsonElement request) => request.TryGetProperty("noEcho", out var value) && value.ValueKind == JsonValueKind.True;

    private static Failure Forbidden(string message) => new("Forbidden", message);

    private static MessageContent Content(JsonElement request)
    {
        if (!request.TryGetProperty("data", out var data))
        {
            throw new JsonException("The property data is missing.");
        }

        return (request.TryGetProperty("dataType", out var type) ? type.GetString() : "json") switch
        {
            "json" => new MessageContent(DataType.Json, Encoding.UTF8.GetBytes(data.GetRawText())),
            "text" when data.ValueKind == JsonValueKind.String => new MessageContent(DataType.Text, Encoding.UTF8.GetBytes(data.GetString()!)),
            "binary" when data.ValueKind == JsonValueKind.String && data.TryGetBytesFromBase64(out var bytes) => new MessageContent(DataType.Binary, bytes),
            _ => throw new JsonException("The data is not of its dataType, or the dataType is not supported."),
        };
    }

    private static string Group(JsonElement request) =>
        Text(request, "group") is var group && GroupName.IsValid(group) ? group : throw new JsonException(GroupName.Rule);

    private static string Text(JsonElement request, string name) =>
        request.ValueKind == JsonValueKind.Object && request.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new JsonException($"The property {name} is missing or is not a string.");

    private static ulong? Id(JsonElement request, string name)
    {
        if (!request.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var id)
            ? id
            : throw new JsonException($"The property {name} must be an unsigned whole number.");
    }
}
