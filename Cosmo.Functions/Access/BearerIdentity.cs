using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Access;

/// <summary>The caller as a token of the identity provider says (<c>Authorization: Bearer</c>).</summary>
internal sealed class BearerIdentity(AuthorityKeys keys, IOptions<AccessOptions> options)
{
    private const string Scheme = "Bearer ";

    /// <summary>So much the clocks of the provider and of Cosmo may differ.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>A key that is published must never be taken for a shared secret.</summary>
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };

    /// <summary>The token that a request carries, whosever it is; null without one.</summary>
    public static string? SentWith(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;

    /// <summary>The token of a request, if it has one and there is a provider that it could be of.</summary>
    public string? TokenOf(HttpRequest request) => options.Value.Authority is null ? null : SentWith(request);

    /// <summary>Whose the token is, or why it is nobody's.</summary>
    /// <exception cref="AuthorityAwayException">The provider does not answer, and its keys are not known.</exception>
    public async Task<(SignedInUser? User, string? Fault)> ReadAsync(string token, CancellationToken cancellationToken)
    {
        var published = await keys.GetAsync(insufficient: null, cancellationToken) ?? throw new AuthorityAwayException();
        var result = await ValidateAsync(token, published);
        if (result.Exception is SecurityTokenInvalidSignatureException && await keys.GetAsync(published, cancellationToken) is { } newer && newer != published)
        {
            result = await ValidateAsync(token, newer);
        }

        return result.IsValid ? Read((JsonWebToken)result.SecurityToken) : (null, FaultOf(result.Exception));
    }

    private Task<TokenValidationResult> ValidateAsync(string token, OpenIdConnectConfiguration published) => _handler.ValidateTokenAsync(token, new TokenValidationParameters
    {
        ValidIssuer = published.Issuer,
        ValidAudience = options.Value.Audience,
        IssuerSigningKeys = published.SigningKeys,
        ValidAlgorithms = Algorithms,
        ClockSkew = ClockSkew,
    });

    private (SignedInUser? User, string? Fault) Read(JsonWebToken token)
    {
        var settings = options.Value;
        return ValuesOf(settings.UserClaim) is [{ Length: <= ChatMessageReader.MaxIdLength } id] && !string.IsNullOrWhiteSpace(id)
            ? (new SignedInUser(
                settings.AuthorityName!, new Caller(id, ValuesOf(settings.RolesClaim)), ValuesOf(settings.ChannelsClaim), new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + ClockSkew), null)
            : (null, $"It names no user in its claim '{settings.UserClaim}'.");

        string[] ValuesOf(string name) => [.. token.Claims.Where(claim => claim.Type == name).Select(claim => claim.Value)];
    }

    private static string FaultOf(Exception exception) => exception switch
    {
        SecurityTokenExpiredException => "It has ended.",
        SecurityTokenNotYetValidException => "It is not valid yet.",
        SecurityTokenInvalidAudienceException => "It is made out for another audience.",
        SecurityTokenInvalidIssuerException => "It is of another issuer.",
        SecurityTokenInvalidSignatureException or SecurityTokenInvalidAlgorithmException => "It is not signed with a key of the identity provider.",
        SecurityTokenNoExpirationException => "It has no end.",
        _ => "It is no JSON Web Token of the identity provider.",
    };
}

/// <summary>The identity provider does not answer, so nobody can be signed in by its tokens.</summary>
internal sealed class AuthorityAwayException : Exception;
