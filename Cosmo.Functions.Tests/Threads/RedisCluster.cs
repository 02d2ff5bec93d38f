using System.Diagnostics;
using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Threads;

/// <summary>Three masters of a Redis Cluster, on free ports.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private const int Slots = 16_384;
    private const int Masters = 3;

    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-cluster-").FullName;
    private readonly List<Process> _servers = [];
    private readonly List<int> _ports = [.. Enumerable.Range(0, Masters).Select(_ => FreePorts.Next())];

    /// <summary>Of the same servers, for what they tell each other.</summary>
    private readonly List<int> _busPorts = [.. Enumerable.Range(0, Masters).Select(_ => FreePorts.Next())];

    private RedisCluster()
    {
    }

    public RedisConnection Connection { get; private set; } = null!;

    public static async Task<RedisCluster> StartAsync()
    {
        var cluster = new RedisCluster();
        for (var i = 0; i < Masters; i++)
        {
            cluster.StartServer(cluster._ports[i], cluster._busPorts[i]);
        }

        foreach (var port in cluster._ports)
        {
            await UntilAsync(async () => await CliAsync(port, "ping") == "PONG");
        }

        for (var i = 0; i < Masters; i++)
        {
            await CliAsync(cluster._ports[i], "cluster", "addslotsrange", $"{Slots * i / Masters}", $"{(Slots * (i + 1) / Masters) - 1}");
            await CliAsync(cluster._ports[i], "cluster", "set-config-epoch", $"{i + 1}");
            await CliAsync(cluster._ports[i], "cluster", "meet", "127.0.0.1", $"{cluster._ports[0]}", $"{cluster._busPorts[0]}");
        }

        foreach (var port in cluster._ports)
        {
            await UntilAsync(async () =>
            {
                var info = await CliAsync(port, "cluster", "info");
                return info.Contains("cluster_state:ok") && info.Contains("cluster_known_nodes:3") && info.Contains("cluster_slots_ok:16384");
            });
        }

        cluster.Connection = new RedisConnection(Options.Create(new RedisOptions { Url = $"redis://127.0.0.1:{cluster._ports[0]}/0", Prefix = "test:" }));
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        foreach (var server in _servers)
        {
            server.Kill();
            await server.WaitForExitAsync();
            server.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private void StartServer(int port, int busPort)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{port}")).FullName;
        _servers.Add(Process.Start(new ProcessStartInfo(
            "redis-server",
            ["--bind", "127.0.0.1", "--port", $"{port}", "--cluster-port", $"{busPort}", "--cluster-enabled", "yes", "--dir", folder, "--save", ""])
        {
            RedirectStandardOutput = true,
        })!);
    }

    private static async Task<string> CliAsync(int port, params string[] arguments)
    {
        using var cli = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{port}", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var answer = await cli.StandardOutput.ReadToEndAsync();
        await cli.WaitForExitAsync();
        return answer.Trim();
    }

    private static async Task UntilAsync(Func<Task<bool>> isReached)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await isReached())
        {
            await Task.Delay(100, limit.Token);
        }
    }
}
