namespace Cosmo.Local.Emulators.Backends;

/// <summary>
/// The services behind the tools, on one port: OpenWeather at the root, the audit API under <c>/audit</c>, the user-role API
/// under <c>/users</c>. README.md beside this file lists the sample data and the faults.
/// </summary>
internal sealed class BackendsEmulator : IAsyncDisposable
{
    private readonly LoopbackServer _server;

    private BackendsEmulator(LoopbackServer server) => _server = server;

    /// <summary>The root, which is OpenWeather's base address.</summary>
    public Uri Url => _server.Url;

    public static async Task<BackendsEmulator> StartAsync(BackendsEmulatorOptions options, CancellationToken cancellationToken = default) =>
        new(await LoopbackServer.StartAsync(options.Url, app => Map(app, options.TimeProvider), cancellationToken));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static void Map(WebApplication app, TimeProvider clock)
    {
        var faults = new BackendFaults(clock);
        app.UseRouting();
        app.Use(next => context => faults.InvokeAsync(context, next));
        faults.Map(app);
        new WeatherApi(clock).Map(app);
        new AuditApi(clock).Map(app);
        UserRoleApi.Map(app);
        app.MapFallback(WeatherApi.NotFoundAsync);
    }
}
