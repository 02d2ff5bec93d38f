using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests;

/// <summary>The real Redis that the tests share with a key prefix of its own, removed at the end.</summary>
internal sealed class TestRedis : IAsyncDisposable
{
    /// <param name="clock">The connection's; the system's if none is given.</param>
    public TestRedis(TimeProvider? clock = null) =>
        Connection = new RedisConnection(Options.Create(new RedisOptions { Url = Url, Prefix = Prefix }), clock);

    public static string Url => SharedServers.RedisUrl;

    public string Prefix { get; } = $"test-{Guid.NewGuid():n}:";

    public RedisConnection Connection { get; }

    /// <summary>A Redis that is away: nobody listens there.</summary>
    public static RedisConnection Nowhere() => new(Options.Create(new RedisOptions { Url = "redis://127.0.0.1:1", CallTimeoutSeconds = 0.1 }));

    /// <summary>Gives what does not wait the time to be done: many times what it takes.</summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < 50; i++)
        {
            await Connection.RunAsync(database => database.PingAsync(), cancellationToken);
        }
    }

    /// <summary>What stands in Redis, without the prefix, in alphabetical order.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(CancellationToken cancellationToken)
    {
        var keys = await Connection.RunAsync(database => database.ExecuteAsync("KEYS", Prefix + "*"), cancellationToken);
        return [.. ((string[])keys!).Select(key => key[Prefix.Length..]).Order(StringComparer.Ordinal)];
    }

    /// <summary>Fails as a call does that Redis refuses.</summary>
    public Task RefuseAsync() => Connection.EvaluateAsync("return redis.error_reply('WRONGTYPE another program keeps something else here')", [], [], CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        const string removeAll = """
            local cursor = '0'
            repeat
              local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1] .. '*', 'COUNT', 1000)
              cursor = page[1]
              for _, key in ipairs(page[2]) do redis.call('DEL', key) end
            until cursor == '0'
            """;
        await Connection.EvaluateAsync(removeAll, [], [Prefix], CancellationToken.None);
        await Connection.DisposeAsync();
    }
}

/// <summary>The shared Redis, with something that happens before scripts in which a text stands.</summary>
/// <param name="prefix">That of the keys.</param>
/// <param name="script">What stands in the scripts.</param>
/// <param name="before">What happens, or fails, before they are carried out.</param>
internal sealed class InterceptedRedis(string prefix, string script, Func<Task> before) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
{
    public override async Task<RedisResult> EvaluateAsync(string asked, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        await (asked.Contains(script) ? before() : Task.CompletedTask);
        return await base.EvaluateAsync(asked, keys, values, cancellationToken);
    }
}

/// <summary>The shared Redis, which holds scripts back in which a text stands until it is told to let them go.</summary>
internal sealed class HeldRedis : IAsyncDisposable
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="prefix">That of the keys.</param>
    /// <param name="script">What stands in the scripts.</param>
    public HeldRedis(string prefix, string script) => Connection = new InterceptedRedis(prefix, script, () =>
    {
        _asked.TrySetResult();
        return _released.Task;
    });

    public RedisConnection Connection { get; }

    /// <summary>Completes when the first of them is held.</summary>
    public Task AskedAsync() => _asked.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Release() => _released.TrySetResult();

    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
