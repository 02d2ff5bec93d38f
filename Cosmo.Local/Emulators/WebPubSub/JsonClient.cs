using System.Text;
using System.Text.Json;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>A client of json.webpubsub.azure.v1 or json.reliable.webpubsub.azure.v1.</summary>
internal sealed class JsonClient(Hub hub, ClientConnection connection, EventDispatcher events) : IClientProtocol
{
    private static readonly Failure Duplicate = new("Duplicate", "A request with this ackId has been carried out before.");
    private static readonly Failure NoHandler = new("InvocationFailed", "No event handler takes the event.");
    private static readonly Failure Refused = new("InternalServerError", "The event handler refused the event.");

    public async Task<string?> HandleAsync(Frame frame)
    {
        using var document = JsonDocument.Parse(frame.Bytes);
        var request = document.RootElement;
        switch (Text(request, "type"))
        {
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

        var failure = Text(request, "type") switch
        {
            "joinGroup" => ChangeMembership(request, hub.Join),
            "leaveGroup" => ChangeMembership(request, hub.Leave),
            "sendToGroup" => Publish(request),
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

    private Failure? Publish(JsonElement request)
    {
        var group = Group(request);
        if (!connection.Permissions.Allows(Permissions.SendToGroup, group))
        {
            return Forbidden($"The client has no permission to send to group '{group}'.");
        }

        var noEcho = request.TryGetProperty("noEcho", out var value) && value.ValueKind == JsonValueKind.True;
        var receivers = hub.MembersOf(group).Where(member => !noEcho || member != connection);
        hub.Send(receivers, new OutboundMessage(Content(request), group, connection.Identity.UserId));
        return null;
    }

    private async Task<Failure?> SendEventAsync(JsonElement request)
    {
        var eventName = Text(request, "event");
        if (eventName.Length is 0 or > 128 || eventName.Any(char.IsControl))
        {
            throw new JsonException("The event's name must have 1 to 128 printable characters.");
        }

        return await events.SendUserEventAsync(connection, eventName, Content(request)) switch
        {
            UserEventOutcome.NoHandler => NoHandler,
            UserEventOutcome.Refused => Refused,
            _ => null,
        };
    }

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
