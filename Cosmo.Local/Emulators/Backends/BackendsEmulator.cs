namespace Cosmo.Local.Emulators.Backends;

/// <summary>
/// The services behind the tools, on one port: OpenWeather at the root, the audit API under <c>/audit</c>, the user-role API
/// and viewings under <c>/users</c>, exchange rates under <c>/rates</c>. README.md beside this file lists the sample data and the faults.
/// </summary>
internal sealed class BackendsEmulator : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly DatabaseFaults? _databaseFaults;

    private BackendsEmulator(LoopbackServer server, DatabaseFaults? databaseFaults) => (_server, _databaseFaults) = (server, databaseFaults);

    /// <summary>The root, which is OpenWeather's base address.</summary>
    public Uri Url => _server.Url;

    public static async Task<BackendsEmulator> StartAsync(BackendsEmulatorOptions options, CancellationToken cancellationToken = default)
    {
        var databaseFaults = options.Database is { } database ? new DatabaseFaults(database, options.TimeProvider) : null;
        var server = await LoopbackServer.StartAsync(options.Url, app => Map(app, options.TimeProvider, databaseFaults), cancellationToken);
        return new BackendsEmulator(server, databaseFaults);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _databaseFaults?.Dispose();
    }

    private static void Map(WebApplication app, TimeProvider clock, DatabaseFaults? databaseFaults)
    {
        var faults = new BackendFaults(clock);
        var requests = new BackendRequests(clock);
        app.UseRouting();
        app.Use(next => context => requests.InvokeAsync(context, next));
        app.Use(next => context => faults.InvokeAsync(context, next));
        faults.Map(app);
        requests.Map(app);
        databaseFaults?.Map(app);
        new WeatherApi(clock).Map(app);
        new AuditApi(clock).Map(app);
        UserRoleApi.Map(app);
        RatesApi.Map(app);
        ViewingsApi.Map(app);
        app.MapFallback(WeatherApi.NotFoundAsync);
    }
}
