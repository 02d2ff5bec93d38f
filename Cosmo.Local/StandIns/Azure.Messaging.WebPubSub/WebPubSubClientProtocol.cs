namespace Azure.Messaging.WebPubSub;

/// <summary>The kind of client that an access URI is made for.</summary>
public enum WebPubSubClientProtocol
{
    /// <summary>WebSocket clients, with or without one of the service's subprotocols.</summary>
    Default = 0,

    /// <summary>MQTT clients.</summary>
    Mqtt = 1,

    /// <summary>Socket.IO clients.</summary>
    SocketIO = 2,
}
