using System.Collections.Concurrent;
using System.Security.Cryptography;
using Cosmo.Functions.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Tests.Access;

/// <summary>An OpenID Connect provider of one test: a discovery document, the keys that it publishes, and tokens that are signed with any.</summary>
internal sealed class TestAuthority : IAsyncDisposable
{
    public const string Audience = "api://cosmo";

    private readonly ConcurrentDictionary<string, JsonWebKey> _published = new();
    private HttpStub _server = null!;

    private TestAuthority()
    {
    }

    public Uri Url => new(_server.Url, "/tenant/");

    public string Issuer => Url.AbsoluteUri.TrimEnd('/');

    /// <summary>Whether it answers with 503.</summary>
    public bool IsAway { get; set; }

    /// <summary>How often it was asked for its keys.</summary>
    public int Fetches => _server.Requests.Count(target => target == "/tenant/keys");

    public AccessOptions Options => new() { Authority = Url, Audience = Audience };

    /// <summary>The settings of a stack whose users it signs in.</summary>
    public Dictionary<string, string> Settings(string mode) => new()
    {
        ["CHANNEL_ACCESS"] = mode,
        ["Cosmo:Access:Authority"] = Url.AbsoluteUri,
        ["Cosmo:Access:Audience"] = Audience,
    };

    public static async Task<TestAuthority> StartAsync()
    {
        var authority = new TestAuthority();
        authority._server = await HttpStub.StartAsync(authority.AnswerAsync);
        return authority;
    }

    /// <summary>Makes a key (RS256), which is published until it is withdrawn.</summary>
    public SigningCredentials AddRsa(string id)
    {
        var key = new RsaSecurityKey(RSA.Create(2048)) { KeyId = id };
        _published[id] = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(key.Rsa.ExportParameters(false)) { KeyId = id });
        return new SigningCredentials(key, SecurityAlgorithms.RsaSha256);
    }

    /// <summary>The same (ES256).</summary>
    public SigningCredentials AddEc(string id)
    {
        var key = new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = id };
        var open = ECDsa.Create(key.ECDsa.ExportParameters(false));
        _published[id] = JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(open) { KeyId = id });
        return new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256);
    }

    public void Withdraw(string id) => _published.TryRemove(id, out _);

    /// <summary>The modulus of a key as it is published, which a forger may take for a secret.</summary>
    public byte[] PublishedSecret(string id) => Base64UrlEncoder.DecodeBytes(_published[id].N);

    /// <param name="key">What it is signed with; nothing if null.</param>
    /// <param name="user">The claim <c>sub</c>; none if null.</param>
    /// <param name="minutes">When it ends, from now on.</param>
    /// <param name="begins">When it begins, from now on.</param>
    /// <param name="audience">For whom it is.</param>
    /// <param name="issuer">Whose it claims to be; the provider's by default.</param>
    /// <param name="claims">More claims.</param>
    public string Sign(
        SigningCredentials? key, string? user = "ana", double minutes = 10, double begins = -10, string audience = Audience, string? issuer = null, params (string Name, object Value)[] claims)
    {
        var all = claims.ToDictionary(claim => claim.Name, claim => claim.Value);
        if (user is not null)
        {
            all["sub"] = user;
        }

        var now = DateTime.UtcNow;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? Issuer,
            Audience = audience,
            NotBefore = now.AddMinutes(begins),
            Expires = double.IsNaN(minutes) ? null : now.AddMinutes(minutes),
            Claims = all,
            SigningCredentials = key,
        });
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (IsAway)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        await (context.Request.Path.Value switch
        {
            "/tenant/.well-known/openid-configuration" => context.Response.WriteAsJsonAsync(new { issuer = Issuer, jwks_uri = $"{Issuer}/keys" }),
            "/tenant/keys" => context.Response.WriteAsJsonAsync(new { keys = _published.Values.Select(Describe) }),
            _ => Results.NotFound().ExecuteAsync(context),
        });
    }

    private static object Describe(JsonWebKey key) => key.Kty == JsonWebAlgorithmsKeyTypes.RSA
        ? new { kty = key.Kty, use = "sig", kid = key.Kid, n = key.N, e = key.E }
        : new { kty = key.Kty, use = "sig", kid = key.Kid, crv = key.Crv, x = key.X, y = key.Y };
}
