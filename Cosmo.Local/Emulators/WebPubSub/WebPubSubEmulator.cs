using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Cosmo.Local.Emulators.WebPubSub.Clients;
using Cosmo.Local.Emulators.WebPubSub.Events;
using Cosmo.Local.Emulators.WebPubSub.Rest;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Cosmo.Local.Emulators.WebPubSub;

/// <summary>Azure Web PubSub on one machine, as far as docs/webpubsub.md says. It keeps nothing on disk.</summary>
internal sealed partial class WebPubSubEmulator : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Hub> _hubs = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _stopping = new();
    private readonly EmulatorStatistics _statistics = new();
    private readonly EmulatorControl _control;
    private readonly EventDispatcher _events;
    private readonly ClientEndpoint _clients;
    private readonly WebPubSubEmulatorOptions _options;
    private readonly WebApplication _app;
    private readonly ILogger _logger;
    private readonly Upstream _upstream;
    private readonly RestApi _rest;

    private WebPubSubEmulator(WebPubSubEmulatorOptions options, WebApplication app, Uri url)
    {
        _options = options;
        _app = app;
        Url = url;
        _logger = app.Services.GetRequiredService<ILogger<WebPubSubEmulator>>();
        var tokens = new AccessTokens(options.AccessKey, options.TimeProvider);
        _upstream = new Upstream(options, url.Authority, _logger);
        _events = new EventDispatcher(_upstream, _statistics, _logger, _stopping.Token);
        _control = new EmulatorControl(_statistics, () => [.. _hubs.Values]);
        _clients = new ClientEndpoint(tokens, _events, _control, options.TimeProvider, _stopping.Token);
        _rest = new RestApi(tokens, _control, _statistics, options.TimeProvider, url);
    }

    /// <summary>Where it listens, with the port that it got.</summary>
    public Uri Url { get; }

    /// <summary>What an app sets to use it.</summary>
    public string ConnectionString => $"Endpoint={Url.GetLeftPart(UriPartial.Authority)};AccessKey={_options.AccessKey};Version=1.0;";

    /// <exception cref="ArgumentException">An option does not hold.</exception>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<WebPubSubEmulator> StartAsync(WebPubSubEmulatorOptions options, CancellationToken cancellationToken = default)
    {
        options.Validate();
        // The slim builder would watch settings files that this has not got.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // Why it does not start is for the caller to say.
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None).AddSimpleConsole();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Limits.MessageBytes;
            kestrel.Listen(IPAddress.TryParse(options.Url.Host.Trim('[', ']'), out var address) ? address : IPAddress.Loopback, options.Url.Port);
        });

        var app = builder.Build();
        var started = new TaskCompletionSource<WebPubSubEmulator>();
        app.UseWebSockets();
        app.Run(async context => await (await started.Task).HandleAsync(context));
        await app.StartAsync(cancellationToken);
        var addresses = app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        started.SetResult(new WebPubSubEmulator(options, app, new Uri(addresses.Single())));
        return await started.Task;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hub in _hubs.Values)
        {
            foreach (var connection in hub.Connections)
            {
                hub.End(connection, "The service stops.", WebSocketCloseStatus.EndpointUnavailable);
            }
        }

        using (var patience = new CancellationTokenSource(Limits.Close))
        {
            await _app.StopAsync(patience.Token);
        }

        await _stopping.CancelAsync();
        await _app.DisposeAsync();
        _upstream.Dispose();
        _stopping.Dispose();
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$")]
    private static partial Regex HubName { get; }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            // Kestrel's own path has %2F beside decoded characters; a group's name may hold a slash.
            var rawPath = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.Split('?')[0];
            await RouteAsync(context, rawPath, [.. rawPath.Split('/').Skip(1).Select(Uri.UnescapeDataString)]);
        }
        catch (BadHttpRequestException exception)
        {
            await context.Response.WriteErrorAsync(exception.StatusCode, "BadRequest", exception.Message);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            _logger.RequestFailed(exception);
            await context.Response.WriteErrorAsync(StatusCodes.Status500InternalServerError, "InternalServerError", "The emulator failed.");
        }
    }

    private Task RouteAsync(HttpContext context, string rawPath, string[] path) => path switch
    {
        ["client", "hubs", var name] when FindHub(name) is { } hub => _clients.HandleAsync(context, hub),
        ["client"] or ["client", ""] when FindHub(context.Request.Query["hub"].ToString()) is { } hub => _clients.HandleAsync(context, hub),
        ["api", "health"] => Task.CompletedTask,
        ["api", "hubs", var name, .. var rest] when FindHub(name) is { } hub => _rest.HandleAsync(context, rawPath, hub, rest),
        ["emulator", .. var rest] => _control.HandleAsync(context, string.Join('/', rest)),
        _ => context.Response.WriteErrorAsync(StatusCodes.Status404NotFound, "NotFound", "There is nothing at this address."),
    };

    /// <summary>The hub, made at its first use; null if the name is not one, or there are too many.</summary>
    private Hub? FindHub(string name)
    {
        if (_hubs.TryGetValue(name, out var known) || !HubName.IsMatch(name) || _hubs.Count >= Limits.Hubs)
        {
            return known;
        }

        return _hubs.GetOrAdd(name, _ => new Hub(
            name, _options.TimeProvider, _statistics, (connection, reason) => _events.Raise(connection, "disconnected", reason), _events.RaiseMembership));
    }
}
