using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Cosmo.Functions.Access;

/// <summary>
/// What the identity provider publishes about itself (OpenID Connect discovery): its name as an issuer, and the keys that it signs with. It is fetched when it is
/// first needed, again after half a day, and when a token is signed with a key that is not known.
/// </summary>
/// <param name="clients">Makes the client that asks the provider.</param>
/// <param name="authority">Its address; null if there is none, and then nothing is asked.</param>
/// <param name="clock">Tells when what is known is old.</param>
/// <param name="logger">Is told of a provider that is away.</param>
internal sealed class AuthorityKeys(IHttpClientFactory clients, Uri? authority, TimeProvider clock, ILogger<AuthorityKeys> logger) : IDisposable
{
    /// <summary>Names the provider of users among the services.</summary>
    public const string OfUsers = "users";

    /// <summary>Names the provider of Web PubSub's events among the services.</summary>
    public const string OfEvents = "events";

    private static readonly TimeSpan Fresh = TimeSpan.FromHours(12);

    /// <summary>Tokens with keys that nobody knows must not have the provider asked at every request.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _fetching = new(1, 1);
    private volatile Published? _published;
    private DateTimeOffset _next;

    /// <summary>What is published; null where nothing is known, since the provider does not answer.</summary>
    /// <param name="insufficient">What was found to lack a key.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<OpenIdConnectConfiguration?> GetAsync(OpenIdConnectConfiguration? insufficient, CancellationToken cancellationToken)
    {
        if (IsGood(insufficient))
        {
            return _published!.Configuration;
        }

        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (!IsGood(insufficient) && clock.GetUtcNow() >= _next)
            {
                await FetchAsync(cancellationToken);
            }

            return _published?.Configuration;
        }
        finally
        {
            _fetching.Release();
        }
    }

    public void Dispose() => _fetching.Dispose();

    private bool IsGood(OpenIdConnectConfiguration? insufficient) =>
        _published is { } published && published.Configuration != insufficient && clock.GetUtcNow() < published.At + Fresh;

    private async Task FetchAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = clients.CreateClient(AccessServiceCollectionExtensions.ClientName);
            var documents = new HttpDocumentRetriever(client) { RequireHttps = authority!.Scheme == Uri.UriSchemeHttps };
            var configuration = await OpenIdConnectConfigurationRetriever.GetAsync(
                $"{authority.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration", documents, cancellationToken);
            if (string.IsNullOrEmpty(configuration.Issuer) || configuration.SigningKeys.Count == 0)
            {
                throw new InvalidOperationException("The discovery document names no issuer, or no keys.");
            }

            _published = new Published(configuration, clock.GetUtcNow());
            _next = clock.GetUtcNow() + Pause;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // What was known before serves on.
            logger.AuthorityAway(e);
            _next = clock.GetUtcNow() + PauseAfterFailure;
        }
    }

    private sealed record Published(OpenIdConnectConfiguration Configuration, DateTimeOffset At);
}
