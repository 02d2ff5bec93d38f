using Azure.Core;
using Azure.Identity;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace Cosmo.Functions.Hosting;

/// <summary>
/// Signs in to Azure Managed Redis with an identity: the user name is its object id, the password a token. A connection that is made takes the newest; one that is open
/// is told each new token, since Redis closes it when the last that it knows has ended.
/// </summary>
internal sealed class EntraLogin(TokenCredential credential, string objectId) : DefaultOptionsProvider
{
    private static readonly TokenRequestContext Redis = new(["https://redis.azure.com/.default"]);

    /// <summary>A credential keeps its token and has a new one some minutes before the old one ends, so asking each minute is soon enough and goes over the network seldom.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private volatile string _token = "";

    public override string User => objectId;

    public override string Password => _token;

    /// <summary>Gets the token with which connections sign in from now on.</summary>
    /// <exception cref="RedisException">There is none now: an outage like Redis's own.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            _token = (await credential.GetTokenAsync(Redis, cancellationToken)).Token;
        }
        catch (AuthenticationFailedException e)
        {
            throw new RedisException("The identity that signs in to Redis has no token.", e);
        }
    }

    /// <summary>Tells an open connection each new token, until it is cancelled. Never fails.</summary>
    public async Task KeepAsync(ConnectionMultiplexer connection, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        var told = "";
        while (await NextAsync(timer, cancellationToken))
        {
            try
            {
                await RefreshAsync(cancellationToken);
                if (_token is var token && token != told)
                {
                    await Task.WhenAll(connection.GetServers().Where(server => server.IsConnected).Select(server => server.ExecuteAsync("AUTH", objectId, token)));
                    told = token;
                }
            }
            catch (Exception e) when (e is RedisException or TimeoutException or OperationCanceledException or ObjectDisposedException)
            {
                // The next minute tries again, and a connection that is closed meanwhile signs in anew.
            }
        }
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
