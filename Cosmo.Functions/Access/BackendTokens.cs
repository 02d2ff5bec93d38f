using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Access;

/// <summary>
/// Tokens by which the users of a host application's back end are signed in over HTTP, in one channel each. A token says nothing by itself: Redis keeps whose it is
/// under a hash of it, until it ends.
/// </summary>
internal sealed class BackendTokens(RedisConnection redis, TimeProvider clock)
{
    private const string Mark = "cosmo_";
    private const int SecretBytes = 32;

    /// <summary>The token of a request; null if it has none of this kind.</summary>
    public static string? TokenOf(HttpRequest request) =>
        BearerIdentity.SentWith(request) is { } token && token.StartsWith(Mark, StringComparison.Ordinal) ? token : null;

    /// <summary>Makes a token that signs the user in until this moment, in this channel alone.</summary>
    public async Task<string> CreateAsync(SignedInUser user, string channel, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var token = Mark + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        var kept = JsonSerializer.Serialize(new Kept(channel, user.Caller.Id!, user.Caller.Roles, user.Channels, until), CosmoJson.Options);
        await redis.RunAsync(database => database.StringSetAsync(KeyOf(token), kept, until - clock.GetUtcNow()), cancellationToken);
        return token;
    }

    /// <summary>Whom a token signs in, and in which channel; null for one that is not known, or has ended.</summary>
    public async Task<(SignedInUser User, string Channel)?> FindAsync(string token, CancellationToken cancellationToken) =>
        (string?)await redis.RunAsync(database => database.StringGetAsync(KeyOf(token)), cancellationToken) is { } text
        && JsonSerializer.Deserialize<Kept>(text, CosmoJson.Options)! is var kept
        && kept.Until > clock.GetUtcNow()
            ? (new SignedInUser(SignedInUser.Backend, new Caller(kept.Id, kept.Roles), kept.Channels, kept.Until), kept.Channel)
            : null;

    private string KeyOf(string token) => $"{redis.Prefix}token:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)))}";

    private sealed record Kept(string Channel, string Id, IReadOnlyList<string> Roles, IReadOnlyList<string> Channels, DateTimeOffset Until);
}
