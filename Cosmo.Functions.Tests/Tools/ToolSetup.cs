using System.Net;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools;

/// <summary>The tools as the app registers them, with a test's settings, on a clock that skips the waits between tries.</summary>
internal sealed class ToolSetup : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Stack<IHostedService> _started = new();
    private int _lookUps;

    public ToolSetup(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<TimeProvider>(Time);
        services.AddTools();
        services.AddSingleton<HostLookUp>((host, cancellationToken) => LookUp(host, cancellationToken));
        _services = services.BuildServiceProvider();
    }

    /// <summary>The tools with those of one file, which is written into a folder of its own.</summary>
    public static ToolSetup Of(string name, string file, params (string Name, string? Value)[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("cosmo-tools-");
        File.WriteAllText(Path.Combine(folder.FullName, name + ".json"), file);
        return new ToolSetup(new(settings.Select(setting => KeyValuePair.Create(setting.Name, setting.Value))) { ["Cosmo:Tools:Path"] = folder.FullName }) { Folder = folder };
    }

    /// <summary>The folder of the test's own tools, which is removed at the end.</summary>
    private DirectoryInfo? Folder { get; init; }

    public ManualTimeProvider Time { get; } = new() { SkipUpTo = TimeSpan.FromSeconds(4) };

    public RecordedLogs Logs { get; } = new();

    /// <summary>Where names lead to: to start with, where they do on this machine.</summary>
    public HostLookUp LookUp { get; set; } = Dns.GetHostAddressesAsync;

    public Toolbox Toolbox => _services.GetRequiredService<Toolbox>();

    /// <summary>What is wrong with the settings of this class.</summary>
    public string ErrorsOf<TOptions>()
        where TOptions : class => Should.Throw<OptionsValidationException>(() => _services.GetRequiredService<IOptions<TOptions>>().Value).Message;

    /// <summary>How often a name was looked up since <see cref="ChangeNames"/>.</summary>
    public int LookUps => Volatile.Read(ref _lookUps);

    /// <summary>
    /// From now on names lead to a public address and, beside it, to this machine; from the second look-up on to this machine alone. The public one is in a block
    /// that nobody has (3000::/4, IANA's registry of unicast addresses of version 6): no network goes there.
    /// </summary>
    public void ChangeNames()
    {
        LookUp = (_, _) => Task.FromResult<IPAddress[]>(Interlocked.Increment(ref _lookUps) == 1 ? [IPAddress.Parse("3000::1"), IPAddress.Loopback] : [IPAddress.Loopback]);
    }

    public async Task<string> RunAsync(string tool, string arguments, params string[] roles) =>
        (await Toolbox.ExecuteAsync(tool, arguments, new Caller("user", roles), "call_1", _ => true, TestContext.Current.CancellationToken)).Output;

    /// <summary>Starts what runs beside the tools, until the end of the test.</summary>
    public async Task StartAsync()
    {
        foreach (var service in _services.GetServices<IHostedService>())
        {
            await service.StartAsync(TestContext.Current.CancellationToken);
            _started.Push(service);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _started)
        {
            await service.StopAsync(CancellationToken.None);
        }

        await _services.DisposeAsync();
        Folder?.Delete(recursive: true);
    }
}
