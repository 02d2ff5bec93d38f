using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Access;

/// <summary>
/// Whom a Web PubSub connection belongs to. It travels as the connection's user id, inside the signed token, so what the service says of a
/// connection is what was decided at negotiation. The connection may outlive it: then it listens on and is a stranger's.
/// </summary>
/// <param name="Channel">The channel that it listens to.</param>
/// <param name="User">Who it was made for.</param>
/// <param name="Issuer">Who says so, as of a <see cref="SignedInUser"/>; null for a stranger.</param>
/// <param name="Until">When the token ends, and with it the user's roles and the right to send; whole seconds.</param>
internal sealed record ConnectionIdentity(string Channel, Caller User, string? Issuer, DateTimeOffset Until)
{
    private const char Separator = '.';

    /// <summary>The user as the owner of a channel; null for a stranger.</summary>
    public string? Name => Issuer is not null && User.Id is { } id ? SignedInUser.NameOf(Issuer, id) : null;

    public bool HasEnded(DateTimeOffset now) => now >= Until;

    /// <summary>The channel stands apart: as JSON it could be twice as long, and all of it has to fit into an address.</summary>
    public string ToUserId() => string.Join(
        Separator,
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new Signed(User.Id, User.Roles, Issuer, Until.ToUnixTimeSeconds(), User.Source), CosmoJson.Options)),
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Channel)));

    /// <summary>Null for a user id that negotiation did not make.</summary>
    public static ConnectionIdentity? FromUserId(string? userId)
    {
        try
        {
            return userId?.Split(Separator) is [var code, var channel]
                && JsonSerializer.Deserialize<Signed>(Base64Url.DecodeFromChars(code), CosmoJson.Options) is { Roles: { } roles } signed
                    ? new ConnectionIdentity(
                        Encoding.UTF8.GetString(Base64Url.DecodeFromChars(channel)),
                        new Caller(signed.Id, roles) { Issuer = signed.Issuer, Source = signed.Source },
                        signed.Issuer,
                        DateTimeOffset.FromUnixTimeSeconds(signed.Until))
                    : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    private sealed record Signed(
        string? Id,
        IReadOnlyList<string>? Roles,
        string? Issuer,
        long Until,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Source = null);
}
