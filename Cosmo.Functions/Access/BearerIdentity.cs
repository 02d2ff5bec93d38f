using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Cosmo.Functions.Access;

/// <summary>The caller as a token of the identity provider says (<c>Authorization: Bearer</c>).</summary>
internal sealed class BearerIdentity([FromKeyedServices(AuthorityKeys.OfUsers)] AuthorityKeys keys, IOptions<AccessOptions> options)
{
    private const string Scheme = "Bearer ";

    /// <summary>The token that a request carries, whosever it is; null without one.</summary>
    public static string? SentWith(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;

    /// <summary>The token of a request, if it has one and there is a provider that it could be of.</summary>
    public string? TokenOf(HttpRequest request) => options.Value.Authority is null ? null : SentWith(request);

    /// <summary>Whose the token is, or why it is nobody's.</summary>
    /// <exception cref="AuthorityAwayException">The provider does not answer, and its keys are not known.</exception>
    public async Task<(SignedInUser? User, string? Fault)> ReadAsync(string token, CancellationToken cancellationToken)
    {
        var (read, fault) = await AuthorityTokens.ReadAsync(token, options.Value.Audience!, keys, cancellationToken);
        return read is null ? (null, fault) : Read(read);
    }

    private (SignedInUser? User, string? Fault) Read(JsonWebToken token)
    {
        var settings = options.Value;
        return ValuesOf(settings.UserClaim) is [{ Length: <= ChatMessageReader.MaxIdLength } id] && !string.IsNullOrWhiteSpace(id)
            ? (new SignedInUser(
                settings.AuthorityName!, new Caller(id, ValuesOf(settings.RolesClaim)), ValuesOf(settings.ChannelsClaim), new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + AuthorityTokens.ClockSkew), null)
            : (null, $"It names no user in its claim '{settings.UserClaim}'.");

        string[] ValuesOf(string name) => [.. token.Claims.Where(claim => claim.Type == name).Select(claim => claim.Value)];
    }
}
