using System.Text.Json;
using Cosmo.Local.Emulators.Backends;
using Cosmo.Local.Emulators.OpenAI;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Emulators.WebPubSub.Events;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Http;
using Cosmo.Local.SampleData;
using Microsoft.AspNetCore.Connections;

namespace Cosmo.Local.Emulators;

/// <summary>The emulators and the chat page, each where the app's own setting looks for it.</summary>
internal sealed class LocalServices : IAsyncDisposable
{
    /// <summary>The events that the app's event handler takes, in the form of Web PubSub's setting.</summary>
    public static readonly string UserEvents = ReadUserEvents();

    private readonly Stack<IAsyncDisposable> _started = new();
    private readonly List<string> _lines = [];
    private Uri? _webPubSub;

    /// <summary>One line a service: where it listens, or why it is not there.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <exception cref="StartupException">A port is taken or a setting is wrong.</exception>
    public static async Task<LocalServices> StartAsync(LocalSettings settings, string dataFolder, CancellationToken cancellationToken)
    {
        var samples = new SampleSources(dataFolder, settings);
        var named = settings.UnderEnvironment();
        var configuration = samples.AddTo(named);
        var functions = new Uri($"http://127.0.0.1:{settings.HttpPort}/{HostJson.Load().RoutePrefix}");
        var key = FunctionKeys.Open(dataFolder).DefaultKey;
        var services = new LocalServices();
        try
        {
            await services.AddWebPubSubAsync(configuration, functions, key, cancellationToken);
            await services.AddAsync(
                Setting("OpenAI emulator", AppSetting.OpenAIUrl, configuration),
                address => OpenAIEmulator.StartAsync(new OpenAIEmulatorOptions { Url = address }, cancellationToken),
                emulator => emulator.Url);
            await services.AddBackendsAsync(configuration, samples.DatabaseFor(named), cancellationToken);
            await services.AddAsync(
                new("Chat page", "Host:CORS", settings.AllowedOrigins is [var page, ..] ? page : null),
                address => ChatPage.StartAsync(
                    new ChatPageOptions { Url = address, Functions = functions, WebPubSub = services.WebPubSubIn(configuration), Key = key }, cancellationToken),
                started => started.Url);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_started.TryPop(out var service))
        {
            await service.DisposeAsync();
        }
    }

    private Task AddWebPubSubAsync(IConfiguration configuration, Uri functions, string key, CancellationToken cancellationToken)
    {
        var parts = WebPubSubParts(configuration);
        return AddAsync(
            new("Web PubSub emulator", AppSetting.WebPubSubConnectionString.Name, parts.GetValueOrDefault("Endpoint")),
            address =>
            {
                var handler = new WebPubSubEventHandler($"{functions.ToString().TrimEnd('/')}/webpubsub/events?code={Uri.EscapeDataString(key)}", UserEvents);
                return WebPubSubEmulator.StartAsync(
                    new WebPubSubEmulatorOptions
                    {
                        Url = address,
                        AccessKey = parts.GetValueOrDefault("AccessKey", ""),
                        EventHandlers = new Dictionary<string, WebPubSubEventHandler> { [AppSetting.WebPubSubHub.In(configuration) ?? "cosmo"] = handler },
                    },
                    cancellationToken);
            },
            emulator => _webPubSub = emulator.Url);
    }

    private static Dictionary<string, string> WebPubSubParts(IConfiguration configuration) =>
        (AppSetting.WebPubSubConnectionString.In(configuration) ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);

    /// <summary>The emulator, else the real service; null where no setting names it by its address.</summary>
    private Uri? WebPubSubIn(IConfiguration configuration) =>
        _webPubSub ?? (Uri.TryCreate(WebPubSubParts(configuration).GetValueOrDefault("Endpoint"), UriKind.Absolute, out var endpoint) ? endpoint : null);

    /// <summary>One emulator has all back ends of the tools; settings with the same port share it.</summary>
    private async Task AddBackendsAsync(IConfiguration configuration, SampleDatabase? database, CancellationToken cancellationToken)
    {
        LoopbackSetting[] settings =
        [
            Setting("OpenWeather emulator", AppSetting.WeatherUrl, configuration),
            Setting("Audit API emulator", AppSetting.AuditApiUrl, configuration),
            Setting("User-role API emulator", AppSetting.UserRoleApiUrl, configuration),
            Setting("Exchange-rate emulator", AppSetting.ExchangeRatesUrl, configuration),
        ];
        _lines.Add(database is null
            ? "Sample database is not used: MSSQL_CONNECTION_STRING is set."
            : $"Sample database {database.Path} is used: MSSQL_CONNECTION_STRING is not set.");
        var ports = new HashSet<int>();
        foreach (var setting in settings)
        {
            if (setting.Address is { Port: not 0 } address && !ports.Add(address.Port))
            {
                _lines.Add($"{setting.Service} listening at {address}");
                continue;
            }

            await AddAsync(
                setting,
                free => BackendsEmulator.StartAsync(new BackendsEmulatorOptions { Url = free, Database = database }, cancellationToken),
                emulator => emulator.Url);
        }
    }

    private static string ReadUserEvents()
    {
        using var list = typeof(LocalServices).Assembly.GetManifestResourceStream("client-events.json")!;
        return string.Join(',', JsonSerializer.Deserialize<string[]>(list)!);
    }

    private static LoopbackSetting Setting(string service, AppSetting setting, IConfiguration configuration) =>
        new(service, setting.Name, setting.In(configuration));

    private async Task AddAsync<T>(LoopbackSetting setting, Func<Uri, Task<T>> start, Func<T, Uri> url)
        where T : IAsyncDisposable
    {
        if (setting.Address is not { } address)
        {
            _lines.Add(setting.Absence);
            return;
        }

        try
        {
            var service = await start(address);
            _started.Push(service);
            _lines.Add($"{setting.Service} listening at {url(service)}");
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            throw new StartupException($"Port {address.Port} of 127.0.0.1 is taken; stop what listens there, move all with --port, or change {setting.Name}.", error);
        }
        catch (ArgumentException error)
        {
            throw new StartupException($"{setting.Name} is not right: {error.Message}", error);
        }
    }
}
