using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Access;

/// <summary>Whether a token is one of an OpenID Connect provider: its signature, issuer, audience and times.</summary>
internal static class AuthorityTokens
{
    /// <summary>So much the clocks of the provider and of Cosmo may differ.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    /// <summary>A key that is published must never be taken for a shared secret.</summary>
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false };

    /// <summary>What the token says, or why it is not the provider's.</summary>
    /// <exception cref="AuthorityAwayException">The provider does not answer, and its keys are not known.</exception>
    public static async Task<(JsonWebToken? Token, string? Fault)> ReadAsync(string token, string audience, AuthorityKeys keys, CancellationToken cancellationToken)
    {
        var published = await keys.GetAsync(insufficient: null, cancellationToken) ?? throw new AuthorityAwayException();
        var result = await ValidateAsync(token, audience, published);
        if (result.Exception is SecurityTokenInvalidSignatureException && await keys.GetAsync(published, cancellationToken) is { } newer && newer != published)
        {
            result = await ValidateAsync(token, audience, newer);
        }

        return result.IsValid ? ((JsonWebToken)result.SecurityToken, null) : (null, FaultOf(result.Exception));
    }

    private static Task<TokenValidationResult> ValidateAsync(string token, string audience, OpenIdConnectConfiguration published) => Handler.ValidateTokenAsync(token, new TokenValidationParameters
    {
        ValidIssuer = published.Issuer,
        ValidAudience = audience,
        IssuerSigningKeys = published.SigningKeys,
        ValidAlgorithms = Algorithms,
        ClockSkew = ClockSkew,
    });

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
