using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

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
