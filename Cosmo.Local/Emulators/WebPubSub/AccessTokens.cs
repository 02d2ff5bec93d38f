using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>Checks and makes the tokens that the access key signs. The key's text is the key; it is not Base64.</summary>
internal sealed class AccessTokens
{
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly TokenValidationParameters _rules;
    private readonly SymmetricSecurityKey _key;
    private readonly TimeProvider _time;

    public AccessTokens(string accessKey, TimeProvider time)
    {
        _key = new SymmetricSecurityKey(Encoding.UTF8.GetBytes(accessKey));
        _time = time;
        _rules = new TokenValidationParameters
        {
            IssuerSigningKey = _key,
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            ValidateIssuer = false,
            ValidateAudience = false,
            LifetimeValidator = (notBefore, expires, _, _) =>
            {
                var now = time.GetUtcNow().UtcDateTime;
                return expires > now && (notBefore is null || notBefore <= now);
            },
        };
    }

    /// <summary>
    /// Checks signature, lifetime and audience. Of the audience only the path counts, so that a proxy or another name
    /// of the same machine does no harm.
    /// </summary>
    /// <param name="token">The token; null if the request had none.</param>
    /// <param name="path">The path that the token must have been made for, escaped or not.</param>
    public async Task<TokenCheck> CheckAsync(string? token, string path)
    {
        if (string.IsNullOrEmpty(token))
        {
            return new TokenCheck(null, "The access token is missing.");
        }

        var result = await _handler.ValidateTokenAsync(token, _rules);
        if (result is not { IsValid: true, SecurityToken: JsonWebToken valid })
        {
            return new TokenCheck(null, result.Exception is SecurityTokenInvalidLifetimeException
                ? "The access token has expired or is not valid yet."
                : "The access token is not valid.");
        }

        var expected = Uri.UnescapeDataString(path);
        return valid.Audiences.Any(audience => PathOf(audience).Equals(expected, StringComparison.OrdinalIgnoreCase))
            ? new TokenCheck(valid, null)
            : new TokenCheck(null, $"Failed to validate audience. Expected Audiences: {expected} Actual Audiences: {string.Join(", ", valid.Audiences)}");
    }

    /// <summary>Makes the token with which one client connects.</summary>
    public string Create(string audience, TimeSpan life, string? userId, string?[] roles, string?[] groups)
    {
        var now = _time.GetUtcNow();
        var claims = new Dictionary<string, object>();
        Add("sub", userId);
        Add("role", roles is [] ? null : roles);
        Add("webpubsub.group", groups is [] ? null : groups);
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Audience = audience,
            IssuedAt = now.UtcDateTime,
            Expires = (now + life).UtcDateTime,
            Claims = claims,
            SigningCredentials = new SigningCredentials(_key, SecurityAlgorithms.HmacSha256),
        });

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                claims[name] = value;
            }
        }
    }

    private static string PathOf(string audience) =>
        Uri.TryCreate(audience, UriKind.Absolute, out var url) ? Uri.UnescapeDataString(url.AbsolutePath) : "";
}

/// <summary>A valid token, or the reason why there is none.</summary>
internal sealed record TokenCheck(JsonWebToken? Token, string? Error)
{
    /// <summary>The values of a claim, which may stand as an array or as one value.</summary>
    public IEnumerable<string> Values(string claim) =>
        Token?.Claims.Where(found => found.Type == claim).Select(found => found.Value) ?? [];
}
