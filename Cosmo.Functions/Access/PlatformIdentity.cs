using System.Text.Json;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Access;

/// <summary>
/// The caller as App Service authentication established it. The platform sets these headers itself and removes what a browser sends under
/// their names, but only where it is switched on (<c>WEBSITE_AUTH_ENABLED</c>); elsewhere nobody is believed.
/// </summary>
internal sealed class PlatformIdentity(IConfiguration configuration)
{
    private const string RoleClaim = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

    private readonly bool _isEnabled = bool.TryParse(configuration["WEBSITE_AUTH_ENABLED"], out var enabled) && enabled;

    public Caller Of(HttpRequest request)
    {
        if (!_isEnabled || request.Headers["X-MS-CLIENT-PRINCIPAL"].ToString() is not { Length: > 0 } encoded)
        {
            return Caller.Anonymous;
        }

        try
        {
            using var document = JsonDocument.Parse(Convert.FromBase64String(encoded));
            var roles = document.RootElement.GetProperty("claims").EnumerateArray()
                .Where(claim => claim.GetProperty("typ").GetString() is "roles" or RoleClaim)
                .Select(claim => claim.GetProperty("val").GetString()!)
                .ToArray();
            return new Caller(request.Headers["X-MS-CLIENT-PRINCIPAL-ID"].ToString() is { Length: > 0 } id ? id : null, roles);
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Caller.Anonymous;
        }
    }
}
