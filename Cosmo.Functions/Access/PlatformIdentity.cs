using System.Text.Json;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Access;

/// <summary>
/// The caller as App Service authentication established it. The platform sets these headers itself and removes what a browser sends under
/// their names, but only where it is switched on (<c>WEBSITE_AUTH_ENABLED</c>); elsewhere nobody is believed.
/// </summary>
internal sealed class PlatformIdentity(IConfiguration configuration, IOptions<AccessOptions> options)
{
    private const string RoleClaim = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

    public bool IsEnabled { get; } = bool.TryParse(configuration["WEBSITE_AUTH_ENABLED"], out var enabled) && enabled;

    /// <summary>Null for a stranger.</summary>
    public SignedInUser? Of(HttpRequest request)
    {
        if (!IsEnabled
            || request.Headers["X-MS-CLIENT-PRINCIPAL"].ToString() is not { Length: > 0 } encoded
            || request.Headers["X-MS-CLIENT-PRINCIPAL-ID"].ToString() is not { Length: <= ChatMessageReader.MaxIdLength } id
            || string.IsNullOrWhiteSpace(id))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(Convert.FromBase64String(encoded));
            var claims = document.RootElement.GetProperty("claims").EnumerateArray()
                .Select(claim => (Type: claim.GetProperty("typ").GetString(), Value: claim.GetProperty("val").GetString()!))
                .ToList();
            return new SignedInUser(
                SignedInUser.Platform,
                new Caller(id, [.. claims.Where(claim => claim.Type is "roles" or RoleClaim).Select(claim => claim.Value)]),
                [.. claims.Where(claim => claim.Type == options.Value.ChannelsClaim).Select(claim => claim.Value)]);
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}
