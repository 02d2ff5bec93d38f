namespace Cosmo.Local.Emulators.WebPubSub.Clients;

/// <summary>What a client speaks.</summary>
internal enum ClientKind
{
    /// <summary>Raw payloads, no envelope.</summary>
    Simple,

    /// <summary>json.webpubsub.azure.v1</summary>
    Json,

    /// <summary>json.reliable.webpubsub.azure.v1</summary>
    ReliableJson,
}

/// <summary>The names of the subprotocols that the emulator speaks.</summary>
internal static class Subprotocols
{
    public const string Json = "json.webpubsub.azure.v1";
    public const string ReliableJson = "json.reliable.webpubsub.azure.v1";

    public static ClientKind KindOf(string? subprotocol) => subprotocol switch
    {
        Json => ClientKind.Json,
        ReliableJson => ClientKind.ReliableJson,
        _ => ClientKind.Simple,
    };
}
