using System.Net;
using Cosmo.Local.Host.Functions;
using Microsoft.AspNetCore.Connections;
using Yarp.ReverseProxy.Forwarder;

namespace Cosmo.Local.Host.Http;

/// <summary>Where the HTTP server listens, and whom it lets in.</summary>
internal sealed record HttpServerOptions
{
    /// <summary>The port on 127.0.0.1; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>What every route of a function begins with; may be empty.</summary>
    public required string RoutePrefix { get; init; }

    /// <summary>Origins whose pages may call the functions; <c>*</c> is any.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    public required FunctionKeys Keys { get; init; }

    public required ShutdownGrace Grace { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILoggerFactory Logs { get; init; }

    /// <summary>How long a stop may take.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// The host's face: the routes of the functions, the host's own pages below <c>admin</c> and the management of orchestrations below
/// <c>runtime/webhooks/durabletask</c>. It listens before there are functions, since their settings need its address; until then requests wait.
/// </summary>
internal sealed class HttpServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpServerOptions _options;
    private readonly FunctionEndpoints _endpoints;
    private readonly FunctionRequests _requests;
    private readonly WorkerForwarder _forwarder;
    private readonly TaskCompletionSource<ServedFunctions> _served = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HttpServer(HttpServerOptions options)
    {
        _options = options;
        _app = Build(options);
        _endpoints = new FunctionEndpoints();
        _forwarder = new WorkerForwarder(_app.Services.GetRequiredService<IHttpForwarder>());
        _requests = new FunctionRequests(options.Keys, _forwarder, options.Grace, options.Time, options.Logs.CreateLogger<FunctionRequests>());
        Map();
    }

    /// <summary>The root, with the port that is really used.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <exception cref="StartupException">The port is taken.</exception>
    public static async Task<HttpServer> StartAsync(HttpServerOptions options, CancellationToken cancellationToken)
    {
        var server = new HttpServer(options);
        try
        {
            await server._app.StartAsync(cancellationToken);
            return server;
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            await server.DisposeAsync();
            throw new StartupException($"Port {options.Port} of 127.0.0.1 is taken; stop what listens there or take another with --port.", error);
        }
    }

    /// <summary>Puts the functions on their routes and lets the requests in that wait. To be called once.</summary>
    public void Serve(ServedFunctions functions)
    {
        _endpoints.Replace(
            functions.Index.Http, _options.RoutePrefix, function => http => _requests.AnswerAsync(function, functions.Invoker, functions.Worker, http));
        _served.SetResult(functions);
    }

    /// <summary>Takes no new connections and lets the requests at work come to their end; those that take too long are cancelled.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _options.Grace.Begin();
        await _app.StopAsync(cancellationToken);
        if (_served.Task.IsCompletedSuccessfully)
        {
            await _served.Task.Result.ManualRuns.Ended.WaitAsync(_options.ShutdownTimeout, _options.Time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        _forwarder.Dispose();
        _endpoints.Dispose();
    }

    private static WebApplication Build(HttpServerOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(options.Logs);
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        builder.Services.AddRouting();
        builder.Services.AddSingleton<MatcherPolicy, FunctionMethods>();
        builder.Services.AddCors();
        builder.Services.AddHttpForwarder();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = FunctionRequests.MaxBodySize;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        return builder.Build();
    }

    private void Map()
    {
        if (_options.AllowedOrigins.Count > 0)
        {
            _app.UseCors(cors => cors.WithOrigins([.. _options.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod());
        }

        _app.Use(HostTelemetry.NameRequestAsync);
        _app.Use(WaitForFunctionsAsync);
        _app.UseRouting();
        new ManagementEndpoints(_options.Keys, _options.RoutePrefix, _served.Task, _options.Time).Map(_app);
        ((IEndpointRouteBuilder)_app).DataSources.Add(_endpoints);
        _app.UseEndpoints(_ => { });
    }

    private async Task WaitForFunctionsAsync(HttpContext http, RequestDelegate next)
    {
        if (_served.Task.IsCompleted
            || http.Request.Path.StartsWithSegments("/admin")
            || await HostAvailability.WaitAsync(_served.Task.WaitAsync, _options.Time, http) is not null)
        {
            await next(http);
        }
    }
}
