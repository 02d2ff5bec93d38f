using Cosmo.Local.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Runtime;

/// <summary>A functions host for the functions of a test, with a data folder of its own.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly LocalFunctionsHost _host;
    private readonly string? _ownFolder;

    private TestHost(LocalFunctionsHost host, RecordedLogs logs, string? ownFolder)
    {
        _host = host;
        _ownFolder = ownFolder;
        Logs = logs;
        Client = new HttpClient { BaseAddress = host.Url };
    }

    /// <summary>Calls the functions; its addresses are relative to the route prefix.</summary>
    public HttpClient Client { get; }

    public RecordedLogs Logs { get; }

    public IServiceProvider Services => _host.Services;

    public static async Task<TestHost> StartAsync(
        Type functions,
        object? service = null,
        Dictionary<string, string?>? settings = null,
        TimeProvider? time = null,
        string? dataFolder = null,
        IReadOnlyList<string>? allowedOrigins = null)
    {
        var logs = new RecordedLogs();
        var folder = dataFolder ?? Directory.CreateTempSubdirectory("cosmo-").FullName;
        var host = await LocalFunctionsHost.StartAsync(
            new LocalFunctionsHostOptions
            {
                Types = [functions],
                Settings = new ConfigurationBuilder().AddInMemoryCollection(settings).Build(),
                DataFolder = folder,
                Time = time ?? TimeProvider.System,
                AllowedOrigins = allowedOrigins ?? [],
                Configure = builder =>
                {
                    builder.Logging.AddProvider(logs);
                    if (service is not null)
                    {
                        builder.Services.AddSingleton(service.GetType(), service);
                    }
                },
            },
            TestContext.Current.CancellationToken);
        return new TestHost(host, logs, dataFolder is null ? folder : null);
    }

    /// <summary>Stops the host; the client lives on.</summary>
    public ValueTask StopAsync() => _host.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _host.DisposeAsync();
        if (_ownFolder is not null)
        {
            Directory.Delete(_ownFolder, recursive: true);
        }
    }
}
