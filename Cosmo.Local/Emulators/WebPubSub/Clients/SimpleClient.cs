using Cosmo.Local.Emulators.WebPubSub.Events;

namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>A client without a subprotocol: each frame is the event <c>message</c>, or goes to a group if its URL says so.</summary>
internal sealed class SimpleClient(Hub hub, ClientConnection connection, EventDispatcher events, string? publishGroup) : IClientProtocol
{
    private const string EventName = "message";

    public async Task<string?> HandleAsync(Frame frame)
    {
        var content = new MessageContent(frame.IsText ? DataType.Text : DataType.Binary, frame.Bytes.ToArray());
        if (publishGroup is not null)
        {
            if (!connection.Permissions.Allows(Permissions.SendToGroup, publishGroup))
            {
                return $"No permission to publish to group {publishGroup}.";
            }

            hub.Send(hub.MembersOf(publishGroup), new OutboundMessage(content, publishGroup, connection.Identity.UserId));
            return null;
        }

        return await events.SendUserEventAsync(connection, EventName, content) switch
        {
            UserEventOutcome.NoHandler => "No event handler takes the event.",
            UserEventOutcome.Refused => "The event handler refused the event.",
            _ => null,
        };
    }
}
