using Azure.Core;
using Azure.Identity;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Hosting;

/// <summary>
/// The one connection to Redis. It is made at the first call and mends itself; a call that cannot be
/// carried out fails within <see cref="RedisOptions.CallTimeoutSeconds"/>, or twice that where there is no
/// connection and the reason has to be found out, with <see cref="RedisException"/> or <see cref="TimeoutException"/>.
/// Not sealed: tests put a Redis in its place that they simulate.
/// </summary>
internal class RedisConnection : IAsyncDisposable
{
    private readonly RedisOptions _options;
    private readonly TimeSpan _timeout;
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private readonly Lock _asking = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly TimeProvider _clock;
    private readonly EntraLogin? _login;
    private readonly RedisProfile _profile;
    private ConnectionMultiplexer? _connection;
    private long _lostSightAt;
    private long _sockets;
    private Task<RedisConnectionException?>? _refusal;

    /// <param name="options">Where Redis is.</param>
    /// <param name="clock">By which a login with Entra is kept; the system's if none is given.</param>
    /// <param name="credential">The identity that signs in where the options say so; the app's if none is given.</param>
    public RedisConnection(IOptions<RedisOptions> options, TimeProvider? clock = null, TokenCredential? credential = null)
    {
        _options = options.Value;
        _clock = clock ?? TimeProvider.System;
        _login = string.IsNullOrWhiteSpace(_options.EntraObjectId) ? null : new EntraLogin(credential ?? new DefaultAzureCredential(), _options.EntraObjectId);
        _profile = new RedisProfile(new Uri(_options.Url), Database);
        _timeout = TimeSpan.FromSeconds(_options.CallTimeoutSeconds);
        _lostSightAt = Now;
    }

    /// <summary>What every key and pub/sub channel begins with.</summary>
    public string Prefix => _options.Prefix;

    /// <summary>The number of the database.</summary>
    public int Database => RedisOptions.DatabaseOf(new Uri(_options.Url)) ?? 0;

    /// <summary>
    /// When Redis was out of this process's sight last, at its beginning if not since, in milliseconds of Unix time. It may have forgotten then what it had confirmed: a replica that
    /// lags may have taken its place.
    /// </summary>
    public virtual long LostSightAt
    {
        get
        {
            if (_connection is { IsConnected: false })
            {
                return Now;
            }

            // Counted as it is made. The client tells of a connection that is back later than it uses it.
            if (_connection?.GetCounters().Interactive.SocketCount is { } sockets && sockets != Interlocked.Read(ref _sockets))
            {
                Interlocked.Exchange(ref _lostSightAt, Now);
                Interlocked.Exchange(ref _sockets, sockets);
            }

            return Interlocked.Read(ref _lostSightAt);
        }
    }

    /// <summary>Runs one command or script, within the time limit.</summary>
    public virtual async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        using var seen = _profile.Begin();
        return await AwaitAsync(connection, command(connection.GetDatabase()), cancellationToken);
    }

    /// <summary>Runs a Lua script. All <paramref name="keys"/> must share one hash slot.</summary>
    public virtual Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), cancellationToken);

    /// <summary>Publishes on a pub/sub channel whose name gets the prefix.</summary>
    public async Task PublishAsync(string channel, string message, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        using var seen = _profile.Begin();
        await AwaitAsync(connection, connection.GetSubscriber().PublishAsync(Literal(channel), message), cancellationToken);
    }

    /// <summary>
    /// Subscribes to a pub/sub channel whose name gets the prefix, for the life of the process. Where Redis does not answer, the subscription stands
    /// all the same and begins when Redis is back: to try again would only add the handler once more.
    /// </summary>
    public virtual async Task SubscribeAsync(string channel, Action<string> handler, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var subscribed = connection.GetSubscriber().SubscribeAsync(Literal(channel), (_, message) => handler(message!));
        await ((Task)subscribed).WaitAsync(_timeout, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The same until the subscription is disposed of, for a channel that many come and go to.</summary>
    public async Task<IAsyncDisposable> ListenAsync(string channel, Action heard, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var (subscriber, literal) = (connection.GetSubscriber(), Literal(channel));
        Action<RedisChannel, RedisValue> handler = (_, _) => heard();
        await ((Task)subscriber.SubscribeAsync(literal, handler)).WaitAsync(_timeout, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return new Subscription(() => subscriber.UnsubscribeAsync(literal, handler, CommandFlags.FireAndForget));
    }

    /// <summary>The servers that together hold all keys: one, or the masters of a cluster, by name.</summary>
    public async Task<IReadOnlyList<IServer>> FindMastersAsync(CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var servers = connection.GetEndPoints().Select(endPoint => connection.GetServer(endPoint)).Where(server => server.IsConnected);
        var masters = new List<IServer>();
        foreach (var server in servers.OrderBy(server => server.EndPoint.ToString(), StringComparer.Ordinal))
        {
            var replication = await server.InfoAsync("replication").WaitAsync(_timeout, cancellationToken);
            if (replication.SelectMany(section => section).Any(line => line is { Key: "role", Value: "master" }))
            {
                masters.Add(server);
            }
        }

        return masters.Count > 0 ? masters : throw new TimeoutException("No Redis server is connected.");
    }

    /// <summary>How many keys the database has, those of other programs too.</summary>
    public async Task<long> CountKeysAsync(CancellationToken cancellationToken)
    {
        var masters = await FindMastersAsync(cancellationToken);
        var sizes = await Task.WhenAll(masters.Select(server => server.DatabaseSizeAsync(Database))).WaitAsync(_timeout, cancellationToken);
        return sizes.Sum();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _closing.Dispose();
        _connecting.Dispose();
        if (_connection is not null)
        {
            await _connection.CloseAsync(allowCommandsToComplete: false);
            _connection.Dispose();
        }
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>A pub/sub channel by its very name, also where that has the signs of a pattern.</summary>
    private RedisChannel Literal(string channel) => new(Prefix + channel, RedisChannel.PatternMode.Literal);

    private async Task<ConnectionMultiplexer> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is { } made)
        {
            return made;
        }

        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_connection is null)
            {
                await (_login?.RefreshAsync(cancellationToken).WaitAsync(_timeout, cancellationToken) ?? Task.CompletedTask);
                var connection = await ConnectionMultiplexer.ConnectAsync(Configure(_options, _login));
                connection.RegisterProfiler(_profile.Find);
                Interlocked.Exchange(ref _sockets, connection.GetCounters().Interactive.SocketCount);
                _connection = connection;
                _ = _login?.KeepAsync(_connection, _clock, _closing.Token);
            }

            return _connection;
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>
    /// Waits for a call. Of one that found no connection the client does not say whether Redis is away or does not let it in: it learns that as it connects,
    /// and tells only the calls that happen to wait then. So it is asked.
    /// </summary>
    private async Task<T> AwaitAsync<T>(ConnectionMultiplexer connection, Task<T> running, CancellationToken cancellationToken)
    {
        try
        {
            return await running.WaitAsync(_timeout, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or RedisConnectionException { FailureType: not ConnectionFailureType.AuthenticationFailure } && !connection.IsConnected)
        {
            if (await FindRefusalAsync().WaitAsync(cancellationToken) is { } refusal)
            {
                throw refusal;
            }

            throw;
        }
    }

    /// <summary>Why Redis does not let us in, or null if it does or is away. All calls that ask at the same time share one try.</summary>
    private Task<RedisConnectionException?> FindRefusalAsync()
    {
        lock (_asking)
        {
            return _refusal is { IsCompleted: false } asking ? asking : _refusal = TryLoginAsync();
        }
    }

    private async Task<RedisConnectionException?> TryLoginAsync()
    {
        var once = Configure(_options, _login);
        (once.AbortOnConnectFail, once.ConnectRetry) = (true, 1);
        try
        {
            await (_login?.RefreshAsync(CancellationToken.None) ?? Task.CompletedTask);
            await using var connection = await ConnectionMultiplexer.ConnectAsync(once);
            return null;
        }
        catch (RedisConnectionException e)
        {
            return e.FailureType == ConnectionFailureType.AuthenticationFailure ? e : null;
        }
    }

    private sealed class Subscription(Func<Task> end) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await end();
    }

    /// <summary>What the client is told of options that were validated.</summary>
    internal static ConfigurationOptions Configure(RedisOptions options, EntraLogin? login = null)
    {
        var address = new Uri(options.Url);
        var timeout = (int)TimeSpan.FromSeconds(options.CallTimeoutSeconds).TotalMilliseconds;
        var configuration = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            ConnectTimeout = timeout,
            SyncTimeout = timeout,
            Ssl = address.Scheme == "rediss",
            ClientName = "cosmo",
            DefaultDatabase = RedisOptions.DatabaseOf(address),

            // To the client, INFO is for administrators; it tells masters from replicas.
            AllowAdmin = true,
        };
        configuration.EndPoints.Add(address.DnsSafeHost, address.Port > 0 ? address.Port : 6379);
        if (address.UserInfo.Split(':', 2) is [var name, var password])
        {
            configuration.User = name.Length > 0 ? Uri.UnescapeDataString(name) : null;
            configuration.Password = Uri.UnescapeDataString(password);
        }

        if (login is not null)
        {
            configuration.Defaults = login;

            // One connection for commands and messages, so that a later login counts for both.
            configuration.Protocol = RedisProtocol.Resp3;
        }

        if (!string.IsNullOrWhiteSpace(options.CaFile))
        {
            configuration.TrustIssuer(options.CaFile);
        }

        return configuration;
    }
}
