using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Durable;
using Cosmo.Local.Host.Functions;
using Cosmo.Local.Host.Http;
using Cosmo.Local.Host.Timers;
using Cosmo.Local.Host.WebJobs;
using Cosmo.Local.Host.Worker;
using Cosmo.Local.Host.Worker.Protocol;

namespace Cosmo.Local.Host;

/// <summary>
/// A small Functions host: the app's worker as a child process, the official Durable extension on the WebJobs SDK, and the HTTP, RabbitMQ and timer triggers.
/// </summary>
internal sealed class FunctionsHost : IAsyncDisposable
{
    /// <summary>How long a stop may take.</summary>
    public static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    private readonly FunctionsHostOptions _options;
    private readonly WorkerApp _app;
    private readonly HostJson _hostJson;
    private readonly ILoggerFactory _logs;
    private readonly ShutdownGrace _grace;
    private readonly CancellationTokenSource _ended = new();
    private readonly Stack<IAsyncDisposable> _parts = new();
    private int _disposed;

    private HttpServer? _http;
    private WorkerSupervisor? _workers;
    private WebJobsHost? _jobs;
    private Listeners? _listeners;
    private FunctionIndex? _index;

    private FunctionsHost(FunctionsHostOptions options)
    {
        _options = options;
        _app = WorkerApp.Read(options.AppFolder);
        _hostJson = HostJson.Read(_app.Folder, options.Settings, SqliteDurabilityProviderFactory.ProviderName);
        _grace = new ShutdownGrace(options.Time);
        _logs = LoggerFactory.Create(Logging);
    }

    /// <summary>The root of the functions' routes, without the route prefix.</summary>
    public Uri Url => _http!.Url;

    /// <summary>One line a function.</summary>
    public IEnumerable<string> Lines => _index!.Lines(_hostJson.RoutePrefix);

    /// <summary>Cancelled when the host has come to its end by itself: it is of no use any more, and to be disposed of.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Why the host has ended, in a sentence.</summary>
    public string EndReason { get; private set; } = "";

    /// <summary>The process of the worker that takes invocations; null while there is none.</summary>
    public int? WorkerProcessId => _workers!.Current?.ProcessId;

    /// <summary>Starts a host. It serves when this returns; a queue's listener may still wait for its broker.</summary>
    /// <exception cref="StartupException">A function or a setting is wrong, the worker does not start, or the port or the data folder is taken.</exception>
    public static async Task<FunctionsHost> StartAsync(FunctionsHostOptions options, CancellationToken cancellationToken = default)
    {
        var host = new FunctionsHost(options);
        try
        {
            await host.StartAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes nothing new, lets what runs come to its end within <see cref="ShutdownTimeout"/>, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _grace.Begin();
        await Task.WhenAll(
            _listeners?.StopAsync(CancellationToken.None) ?? Task.CompletedTask,
            _http?.StopAsync(CancellationToken.None) ?? Task.CompletedTask,
            _jobs?.StopAsync() ?? Task.CompletedTask).WaitAsync(ShutdownTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A function that takes no notice of its cancellation ends with the worker.
        while (_parts.TryPop(out var part))
        {
            try
            {
                await part.DisposeAsync();
            }
            catch (Exception error)
            {
                // The others are to end all the same, the worker above all.
                Log.StopFailed(_logs.CreateLogger<FunctionsHost>(), error);
            }
        }

        _grace.Dispose();
        _logs.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_app.DurableExtension is { } asked && asked != WebJobsHost.DurableExtension)
        {
            Log.OtherDurableExtension(_logs.CreateLogger<FunctionsHost>(), asked, WebJobsHost.DurableExtension);
        }

        _parts.Push(DataFolderLock.Take(_options.DataFolder));
        _parts.Push(HostTelemetry.Start(_options.Settings));
        var keys = FunctionKeys.Open(_options.DataFolder);

        _http = await HttpServer.StartAsync(
            new HttpServerOptions
            {
                Port = _options.Port,
                RoutePrefix = _hostJson.RoutePrefix,
                AllowedOrigins = _options.AllowedOrigins,
                Keys = keys,
                Grace = _grace,
                Time = _options.Time,
                Logs = _logs,
                ShutdownTimeout = ShutdownTimeout,
            },
            cancellationToken);
        _parts.Push(_http);

        var server = await WorkerServer.StartAsync(_logs, cancellationToken);
        _parts.Push(server);
        _workers = new WorkerSupervisor(new WorkerStart(_app, server, WorkerEnvironment(), _logs), _options.Time, _logs.CreateLogger<WorkerSupervisor>());
        _parts.Push(_workers);
        var worker = await _workers.StartAsync(cancellationToken);

        _index = FunctionIndex.Read(worker.Functions.Select(Definition), _options.Settings);
        if (_index.Http.Count > 0 && worker.HttpAddress is null)
        {
            throw new StartupException("The worker takes no requests, which the HTTP functions need; call ConfigureFunctionsWebApplication in the app's Program.cs.");
        }

        _jobs = WebJobsHost.Create(
            _index.Functions,
            _workers,
            new WebJobsHostOptions(_hostJson, _options.Settings)
            {
                Time = _options.Time,
                DatabasePath = Path.Combine(_options.DataFolder, "durable.db"),
                ManagementUrl = new Uri(_http.Url, $"runtime/webhooks/durabletask?code={keys.SystemKey}"),
                DrainEnd = _grace.Ended,
            },
            _logs);
        _parts.Push(_jobs);
        await _jobs.StartAsync(cancellationToken);

        var monitor = new TimerMonitor(_options.DataFolder, _logs.CreateLogger<TimerMonitor>());
        _http.Serve(new ServedFunctions
        {
            Index = _index,
            Invoker = _jobs,
            ManualRuns = new ManualRuns(_index, _jobs, monitor, _grace, _options.Time, _logs.CreateLogger<ManualRuns>()),
            Worker = HttpAddressAsync,
            DurableWebhook = _jobs.ManageAsync,
        });
        _listeners = Listeners.Of(_index, _hostJson, _jobs, monitor, _grace, _options.Time, _logs);
        await _listeners.StartAsync(cancellationToken);
        _ = WatchAsync(_listeners.ExecuteTask!, _workers.GaveUp);
    }

    /// <summary>The host has ended when it has no worker any more, or when a listener has died.</summary>
    private async Task WatchAsync(Task listening, Task<string> givingUp)
    {
        var ended = await Task.WhenAny(listening, givingUp);
        if (Volatile.Read(ref _disposed) == 0)
        {
            EndReason = ended == givingUp ? await givingUp : $"A listener died: {ended.Exception?.GetBaseException().Message}";
            Log.HostEnded(_logs.CreateLogger<FunctionsHost>(), EndReason, ended.Exception);
            await _ended.CancelAsync();
        }
    }

    private async Task<Uri> HttpAddressAsync(CancellationToken cancellationToken) => (await _workers!.GetAsync(cancellationToken)).HttpAddress!;

    /// <summary>What the host's own libraries say is quiet, unless host.json or the settings ask for it by category.</summary>
    private void Logging(ILoggingBuilder logging)
    {
        foreach (var category in (string[])["Microsoft.AspNetCore", "Microsoft.Hosting", "Microsoft.Extensions", "Microsoft.Azure.WebJobs", "Grpc", "Yarp", "Azure", "DurableTask", "Host.Triggers.DurableTask"])
        {
            logging.AddFilter(category, LogLevel.Warning);
        }

        // An answer such as "it is there already" is a warning here, and its caller has asked for it.
        logging.AddFilter("Azure.Core", LogLevel.Error);

        logging.AddConfiguration(_hostJson.Logging).AddConfiguration(_options.Settings.GetSection("Logging"));
        _options.ConfigureLogging?.Invoke(logging);
    }

    /// <summary>The settings as an app on Azure or under Core Tools finds them in its environment.</summary>
    private Dictionary<string, string> WorkerEnvironment()
    {
        var environment = new Dictionary<string, string> { ["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development" };
        foreach (var (name, value) in _options.Settings.AsEnumerable())
        {
            if (value is not null)
            {
                environment[name.Replace(":", "__")] = value;
            }
        }

        environment["FUNCTIONS_WORKER_RUNTIME"] = "dotnet-isolated";
        environment["FUNCTIONS_WORKER_DIRECTORY"] = _app.Folder;
        environment["FUNCTIONS_APPLICATION_DIRECTORY"] = _app.Folder;
        environment["AzureWebJobsScriptRoot"] = _app.Folder;
        environment[HostJson.DurableStoreVariable] = _hostJson.DurableStore;
        environment["WEBSITE_HOSTNAME"] = string.Create(CultureInfo.InvariantCulture, $"{Url.Host}:{Url.Port}");
        return environment;
    }

    private static FunctionDefinition Definition(RpcFunctionMetadata function) => new(
        function.Name,
        [.. function.RawBindings.Select(binding => JsonNode.Parse(binding)!.AsObject()).Select(json => new FunctionBinding((string?)json["name"] ?? "", (string?)json["type"] ?? "", json))],
        function.RetryOptions switch
        {
            null => null,
            { RetryStrategy: RpcRetryOptions.Types.RetryStrategy.FixedDelay } retry =>
                new FunctionRetry(retry.MaxRetryCount, retry.DelayInterval.ToTimeSpan(), retry.DelayInterval.ToTimeSpan()),
            { } retry => new FunctionRetry(retry.MaxRetryCount, retry.MinimumInterval.ToTimeSpan(), retry.MaximumInterval.ToTimeSpan()),
        });
}
