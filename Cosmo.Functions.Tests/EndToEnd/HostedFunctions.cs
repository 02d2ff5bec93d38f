using System.Diagnostics;
using Cosmo.Local.Host;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>
/// The functions under a host in this process: the same host on the same worker, started in a fraction of the time. It cannot be killed without the tests.
/// </summary>
internal sealed class HostedFunctions : IRunningFunctions
{
    private readonly FunctionsHost _host;
    private readonly RecordedLogs _logs;

    private HostedFunctions(FunctionsHost host, RecordedLogs logs) => (_host, _logs) = (host, logs);

    public string Output => _logs.Text;

    /// <param name="port">Where the host listens.</param>
    /// <param name="folder">Its data folder.</param>
    /// <param name="settingsFile">Its <c>local.settings.json</c>.</param>
    /// <param name="settings">What goes over that.</param>
    public static async Task<HostedFunctions> StartAsync(int port, string folder, string settingsFile, IReadOnlyDictionary<string, string> settings)
    {
        var logs = new RecordedLogs();
        var local = LocalSettings.Read(settingsFile);
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(local.Settings)
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key.Replace("__", ":"), (string?)setting.Value)))
            .Build();
        var options = FunctionsCommand.OfCosmo(local, configuration, folder) with
        {
            Port = port,
            ConfigureLogging = logging => logging.AddProvider(logs),
        };
        return new(await FunctionsHost.StartAsync(options), logs);
    }

    public async Task KillWorkerAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        int? id;
        while ((id = _host.WorkerProcessId) is null)
        {
            await Task.Delay(20, limit.Token);
        }

        using var worker = Process.GetProcessById(id.Value);
        worker.Kill();
        await worker.WaitForExitAsync(limit.Token);
    }

    public void ThrowIfEnded()
    {
        if (_host.Ended.IsCancellationRequested)
        {
            throw new InvalidOperationException($"{_host.EndReason}\n{Output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _logs.Dispose();
    }
}
