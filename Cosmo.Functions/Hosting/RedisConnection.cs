using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Hosting;

/// <summary>
/// The one connection to Redis. It is made at the first call and mends itself; a call that cannot be
/// carried out fails within <see cref="RedisOptions.CallTimeoutSeconds"/>, or a moment later where there is no
/// connection, with <see cref="RedisException"/> or <see cref="TimeoutException"/>.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    /// <summary>So much after the time limit the client says why it has no connection: Redis is away, or does not let it in.</summary>
    private static readonly TimeSpan ReasonDelay = TimeSpan.FromSeconds(1.5);

    private readonly RedisOptions _options;
    private readonly TimeSpan _timeout;
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private ConnectionMultiplexer? _connection;

    public RedisConnection(IOptions<RedisOptions> options)
    {
        _options = options.Value;
        _timeout = TimeSpan.FromSeconds(_options.CallTimeoutSeconds);
    }

    /// <summary>What every key and pub/sub channel begins with.</summary>
    public string Prefix => _options.Prefix;

    /// <summary>The number of the database.</summary>
    public int Database => RedisOptions.DatabaseOf(new Uri(_options.Url)) ?? 0;

    /// <summary>Runs one command or script, within the time limit.</summary>
    public async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var running = command(connection.GetDatabase());
        try
        {
            return await running.WaitAsync(_timeout, cancellationToken);
        }
        catch (TimeoutException) when (!connection.IsConnected && !running.IsCompleted)
        {
            return await running.WaitAsync(ReasonDelay, cancellationToken);
        }
    }

    /// <summary>Runs a Lua script. All <paramref name="keys"/> must share one hash slot.</summary>
    public Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), cancellationToken);

    /// <summary>Publishes on a pub/sub channel whose name gets the prefix.</summary>
    public async Task PublishAsync(string channel, string message, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        await connection.GetSubscriber().PublishAsync(Literal(channel), message).WaitAsync(_timeout, cancellationToken);
    }

    /// <summary>
    /// Subscribes to a pub/sub channel whose name gets the prefix, for the life of the process. Where Redis does not answer, the subscription stands
    /// all the same and begins when Redis is back: to try again would only add the handler once more.
    /// </summary>
    public async Task SubscribeAsync(string channel, Action<string> handler, CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken);
        var subscribed = connection.GetSubscriber().SubscribeAsync(Literal(channel), (_, message) => handler(message!));
        await ((Task)subscribed).WaitAsync(_timeout, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
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
        _connecting.Dispose();
        if (_connection is not null)
        {
            await _connection.CloseAsync(allowCommandsToComplete: false);
            _connection.Dispose();
        }
    }

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
            return _connection ??= await ConnectionMultiplexer.ConnectAsync(Configure(_options));
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>What the client is told of options that were validated.</summary>
    internal static ConfigurationOptions Configure(RedisOptions options)
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

        if (!string.IsNullOrWhiteSpace(options.CaFile))
        {
            configuration.TrustIssuer(options.CaFile);
        }

        return configuration;
    }
}
