namespace Azure.Messaging.WebPubSub;

/// <summary>A connection that is in a group.</summary>
/// <param name="connectionId">Its id.</param>
public class WebPubSubGroupMember(string connectionId)
{
    /// <summary>The connection's id.</summary>
    public string ConnectionId { get; } = connectionId;

    /// <summary>Its user; null if it is anonymous.</summary>
    public string? UserId { get; set; }
}
