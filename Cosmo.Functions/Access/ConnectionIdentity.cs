using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Access;

/// <summary>
/// Whom a Web PubSub connection belongs to. It travels as the connection's user id, inside the signed token, so what the service says of a
/// connection is what was decided at negotiation.
/// </summary>
internal sealed record ConnectionIdentity(string Channel, Caller Caller)
{
    public string ToUserId() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this, CosmoJson.Options));

    /// <summary>Null for a user id that negotiation did not make.</summary>
    public static ConnectionIdentity? FromUserId(string? userId)
    {
        try
        {
            return string.IsNullOrEmpty(userId)
                ? null
                : JsonSerializer.Deserialize<ConnectionIdentity>(Base64Url.DecodeFromChars(userId), CosmoJson.Options) is { Channel: not null, Caller.Roles: not null } identity
                    ? identity
                    : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or DecoderFallbackException)
        {
            return null;
        }
    }
}
