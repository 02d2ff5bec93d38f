using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Azure.Messaging.WebPubSub;

/// <summary>The JSON Web Tokens that a holder of the access key signs (HS256) for itself and for clients.</summary>
internal static class AccessKeyToken
{
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <summary>Signs a token that begins now.</summary>
    /// <param name="accessKey">The key's text as it stands in the connection string; it is not Base64 that would be decoded.</param>
    /// <param name="audience">The URL that the token opens.</param>
    /// <param name="expiresAt">Cut to whole seconds.</param>
    /// <param name="claims">More claims; those that are null or empty are left out.</param>
    public static string Sign(string accessKey, string audience, DateTimeOffset expiresAt, params ReadOnlySpan<(string Name, object? Value)> claims)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var payload = new Dictionary<string, object>
        {
            ["nbf"] = now,
            ["exp"] = expiresAt.ToUnixTimeSeconds(),
            ["iat"] = now,
            ["aud"] = audience,
        };
        foreach (var (name, value) in claims)
        {
            if (value is not null and not ICollection<string> { Count: 0 })
            {
                payload[name] = value;
            }
        }

        var signed = $"{Header}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(payload))}";
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(accessKey), Encoding.UTF8.GetBytes(signed));
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }
}
