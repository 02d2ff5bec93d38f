using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tools;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Tools;

/// <summary>The tools as the app registers them, with a test's settings, on a clock that skips the waits between tries.</summary>
internal sealed class ToolSetup : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public ToolSetup(Dictionary<string, string?> settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services.AddLogging(logging => logging.AddProvider(Logs).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<TimeProvider>(Time);
        services.AddTools();
        _services = services.BuildServiceProvider();
    }

    public ManualTimeProvider Time { get; } = new() { SkipUpTo = TimeSpan.FromSeconds(4) };

    public RecordedLogs Logs { get; } = new();

    public Toolbox Toolbox => _services.GetRequiredService<Toolbox>();

    /// <summary>What is wrong with the settings of this class.</summary>
    public string ErrorsOf<TOptions>()
        where TOptions : class => Should.Throw<OptionsValidationException>(() => _services.GetRequiredService<IOptions<TOptions>>().Value).Message;

    public Task<string> RunAsync(string tool, string arguments, params string[] roles) =>
        Toolbox.ExecuteAsync(tool, arguments, new Caller("user", roles), TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
