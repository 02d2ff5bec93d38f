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

    public ToolSetup(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<TimeProvider>(Time);
        services.AddTools();
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

    public Toolbox Toolbox => _services.GetRequiredService<Toolbox>();

    /// <summary>What is wrong with the settings of this class.</summary>
    public string ErrorsOf<TOptions>()
        where TOptions : class => Should.Throw<OptionsValidationException>(() => _services.GetRequiredService<IOptions<TOptions>>().Value).Message;

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
