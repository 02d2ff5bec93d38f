using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Brokers;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Running;

/// <summary>One run of Cosmo on this machine: its processes from the first to the last.</summary>
/// <param name="dataFolder">Where everything is kept between runs.</param>
/// <param name="ports">Where everything listens; null for where the settings say.</param>
/// <param name="onAzurite">Whether Azurite keeps the orchestrations.</param>
/// <param name="dashboard">What shows traces and metrics; null for nothing.</param>
internal sealed partial class LocalRun(string dataFolder, PortBlock? ports, bool onAzurite, Dashboard? dashboard = null)
{
    private const string Functions = "functions";
    private const string Emulators = "emulators";
    private const string StorageProvider = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__type";
    private const int LongestLine = 200;

    private static readonly TimeSpan LiveInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    /// <summary>How long each may take to end, the users of a service before the service. What a broker has said that it keeps it keeps over a kill.</summary>
    private static readonly (string Name, TimeSpan Grace)[] Graces =
    [
        (Functions, TimeSpan.FromSeconds(12)), (Emulators, TimeSpan.FromSeconds(2)), (Azurite.Name, TimeSpan.FromSeconds(1)), (Dashboard.Name, TimeSpan.FromSeconds(1)),
        ("rabbitmq", TimeSpan.FromSeconds(0.7)), ("redis", TimeSpan.FromSeconds(2)),
    ];

    private readonly List<string> _services = [];
    private Dictionary<string, string?> _environment = [];
    private volatile bool _isReady;

    /// <returns>The exit code, after a signal.</returns>
    /// <exception cref="TerminalException">Something could not be started.</exception>
    public async Task<int> RunAsync(StopSignals signals)
    {
        var original = LocalSettings.Load();
        var settings = ports?.Move(original) ?? original;
        _environment = PortBlock.EnvironmentOf(settings, original);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Settings).AddEnvironmentVariables().Build();

        using var processes = await RunProcesses.TakeOverAsync(dataFolder);
        await using var supply = new BrokerSupply(processes, dataFolder);
        try
        {
            await StartAsync(settings, configuration, processes, supply, signals.Token);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
        }
        finally
        {
            if (signals.Token.IsCancellationRequested)
            {
                Console.WriteLine("Stopping.");
            }

            if (await Task.WhenAny(EndAsync(processes), signals.Again) == signals.Again)
            {
                processes.KillAll();
            }
        }

        return signals.ExitCode;
    }

    private async Task StartAsync(
        LocalSettings settings, IConfiguration configuration, RunProcesses processes, BrokerSupply supply, CancellationToken cancellationToken)
    {
        await ClaimPortsAsync(settings, configuration, cancellationToken);
        var pageBuild = Page(settings) is null ? Task.FromResult<string?>(null) : new ChatPageBuild(ProgramFiles.Root, Path.Combine(dataFolder, "logs")).TryRunAsync(cancellationToken);
        var rabbitPage = ports?.RabbitMQPage
            ?? (await LocalPorts.IsTakenAsync("127.0.0.1", RabbitMQBroker.DefaultPagePort, cancellationToken) ? LocalPorts.Free() : RabbitMQBroker.DefaultPagePort);
        var rabbit = RabbitMQBroker.At(AppSetting.RabbitMQUrl.In(configuration), rabbitPage);
        Broker[] brokers = [rabbit, RedisBroker.At(AppSetting.RedisUrl.In(configuration))];
        var azurite = onAzurite ? Azurite.At(configuration, ports) : null;
        _environment[StorageProvider] = onAzurite ? "AzureStorage" : "sqlite";
        if (azurite is not null)
        {
            _environment["AzureWebJobsStorage"] = azurite.ConnectionString;
        }

        foreach (var broker in brokers)
        {
            await supply.StartAsync(broker, cancellationToken);
        }

        var shown = dashboard is null ? null : await dashboard.StartAsync(processes, dataFolder, cancellationToken);
        foreach (var (name, value) in dashboard?.Settings ?? new Dictionary<string, string?>())
        {
            _environment[name] = value;
        }

        Console.WriteLine("Starting the emulators and the functions.");
        var emulators = StartEmulators(processes);
        await (azurite?.StartAsync(processes, dataFolder, cancellationToken) ?? Task.CompletedTask);
        foreach (var broker in brokers)
        {
            await supply.WaitUntilReadyAsync(broker, cancellationToken);
        }

        var functions = StartFunctions(settings, processes);
        await WaitForHealthAsync(settings, processes, cancellationToken);
        processes.ThrowIfEnded(Emulators);
        if (await pageBuild is { } problem)
        {
            Console.WriteLine(problem);
        }

        _isReady = true;
        Console.WriteLine(Welcome(settings, configuration, rabbit, processes.Has(rabbit.Name)));

        var supervisor = new Supervisor(TimeProvider.System, Console.WriteLine);
        List<Task> kept =
        [
            supervisor.KeepAsync(Emulators, emulators, () => StartEmulators(processes), cancellationToken),
            supervisor.KeepAsync(Functions, functions, () => StartFunctions(settings, processes), cancellationToken),
            KeepAliveAsync(settings, processes, cancellationToken),
        ];
        kept.AddRange(brokers.Where(broker => processes.Has(broker.Name)).Select(
            broker => supervisor.KeepAsync(broker.Name, processes[broker.Name], () => supply.Launch(broker), cancellationToken)));
        if (azurite is not null && processes.Has(Azurite.Name))
        {
            kept.Add(supervisor.KeepAsync(Azurite.Name, processes[Azurite.Name], () => azurite.Restart(processes, dataFolder), cancellationToken));
        }

        if (shown is not null)
        {
            kept.Add(supervisor.KeepAsync(Dashboard.Name, shown, () => dashboard!.Restart(processes, dataFolder), cancellationToken));
        }

        await Task.WhenAll(kept);
    }

    private static async Task EndAsync(RunProcesses processes)
    {
        await processes.EndAsync(Graces[0].Name, Graces[0].Grace);
        await Task.WhenAll(Graces[1..].Select(process => processes.EndAsync(process.Name, process.Grace)));
    }

    private ChildProcess StartEmulators(RunProcesses processes)
    {
        lock (_services)
        {
            _services.Clear();
        }

        return processes.Start(Emulators, Programs.Own("emulators", "--data", dataFolder) with { Environment = _environment }, line =>
        {
            if (ServiceLine().IsMatch(line))
            {
                lock (_services)
                {
                    _services.Add(line);
                }
            }

            Show(line);
        });
    }

    private ChildProcess StartFunctions(LocalSettings settings, RunProcesses processes) => processes.Start(
        Functions,
        Programs.Own("functions", "--port", settings.HttpPort.ToString(CultureInfo.InvariantCulture), "--data", dataFolder) with { Environment = _environment },
        Show);

    /// <summary>Warnings and errors show on the screen, too.</summary>
    private void Show(string line)
    {
        if (_isReady && WarningLine().IsMatch(line))
        {
            Console.WriteLine(line.Length <= LongestLine ? line : line[..LongestLine]);
        }
    }

    /// <summary>Ends the functions when they say that a new start helps, as the platform does; the supervisor starts them again.</summary>
    private static async Task KeepAliveAsync(LocalSettings settings, RunProcesses processes, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = Api(settings), Timeout = StartLimit };
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(LiveInterval, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (await AskAsync(http, "health/live", cancellationToken) == HttpStatusCode.ServiceUnavailable)
            {
                Console.WriteLine("functions gets no messages any more: the broker has dropped its consumer.");
                await processes[Functions].EndAsync(Graces[0].Grace);
            }
        }
    }

    private static async Task WaitForHealthAsync(LocalSettings settings, RunProcesses processes, CancellationToken cancellationToken)
    {
        // The host keeps a request until its worker is there. One that is given up leaves an invocation behind that waits for it.
        using var http = new HttpClient { BaseAddress = Api(settings), Timeout = StartLimit };
        await processes.WaitUntilAsync(
            Functions, StartLimit, async () => await AskAsync(http, "health", cancellationToken) == HttpStatusCode.OK, cancellationToken);
    }

    private static Uri Api(LocalSettings settings) => new($"http://127.0.0.1:{settings.HttpPort}/{HostJson.Load().RoutePrefix}/");

    /// <summary>What an endpoint answers; null for no answer.</summary>
    private static async Task<HttpStatusCode?> AskAsync(HttpClient http, string endpoint, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(endpoint, cancellationToken);
            return answer.StatusCode;
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>Says which port is taken before anything is started, and by which setting it is moved.</summary>
    private async Task ClaimPortsAsync(LocalSettings settings, IConfiguration configuration, CancellationToken cancellationToken)
    {
        var endpoint = Endpoint().Match(AppSetting.WebPubSubConnectionString.In(configuration) ?? "").Groups[1].Value;
        (string Name, string? Value)[] needed =
        [
            ("Host:CORS", Page(settings)),
            ("Host:LocalHttpPort", $"http://127.0.0.1:{settings.HttpPort}"),
            (AppSetting.WebPubSubConnectionString.Name, endpoint),
            (AppSetting.OpenAIUrl.Name, AppSetting.OpenAIUrl.In(configuration)),
            (AppSetting.WeatherUrl.Name, AppSetting.WeatherUrl.In(configuration)),
            (AppSetting.AuditApiUrl.Name, AppSetting.AuditApiUrl.In(configuration)),
            (AppSetting.UserRoleApiUrl.Name, AppSetting.UserRoleApiUrl.In(configuration)),
            (AppSetting.ExchangeRatesUrl.Name, AppSetting.ExchangeRatesUrl.In(configuration)),
        ];
        foreach (var (name, value) in needed)
        {
            if (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp && url.IsLoopback
                && await LocalPorts.IsTakenAsync(url.DnsSafeHost, url.Port, cancellationToken))
            {
                var remedy = ports is null ? $"move all ports with --port, or {settings.HowToChange(name)}" : "or give another --port";
                throw new TerminalException(ExitCodes.Failed, $"Port {url.Port} is taken by another program. Free it, {remedy}.");
            }
        }
    }

    private static string? Page(LocalSettings settings) => settings.AllowedOrigins is [var page, ..] ? page.TrimEnd('/') : null;

    private string Welcome(LocalSettings settings, IConfiguration configuration, RabbitMQBroker rabbit, bool isOwn)
    {
        lock (_services)
        {
            return $"""

                Cosmo runs. Ctrl-C stops it.

                  chat page   {Page(settings) ?? "(none: Host:CORS is not set)"}/#demo
                  functions   http://127.0.0.1:{settings.HttpPort}/{HostJson.Load().RoutePrefix}
                  dashboard   {dashboard?.Url ?? "(none: run with --dashboard)"}
                  logs        {Path.GetRelativePath(Environment.CurrentDirectory, Path.Combine(dataFolder, "logs"))}/

                In the place of the real services:

                {string.Join('\n', _services.Select(line => $"  {line}"))}

                A message straight into RabbitMQ; its answer shows on the page above:

                  {Example(rabbit, AppSetting.Exchange.In(configuration)!, AppSetting.RoutingKey.In(configuration)!, isOwn)}

                """;
        }
    }

    /// <summary>A command that publishes a message: through the management page of a broker of our own, else with Python's pika.</summary>
    private static string Example(RabbitMQBroker rabbit, string exchange, string key, bool isOwn)
    {
        if (isOwn)
        {
            return $$$"""curl -s -u {{{rabbit.User}}}:{{{(rabbit.Password == "guest" ? "guest" : "PASSWORD")}}} -H 'Content-Type: application/json' http://127.0.0.1:{{{rabbit.PagePort}}}/api/exchanges/{{{Uri.EscapeDataString(rabbit.VirtualHost)}}}/{{{exchange}}}/publish -d '{"routing_key":"{{{key}}}","properties":{},"payload_encoding":"string","payload":"{\"channel\":\"demo\",\"message_id\":\"'"$RANDOM"'\",\"message\":\"What is the weather in Makati?\"}"}'""";
        }

        var address = $"{rabbit.Address.Url.Scheme}://{rabbit.User}:{(rabbit.Password == "guest" ? "guest" : "PASSWORD")}@{rabbit.Address.Host}:{rabbit.Address.Port}";
        return $$$"""/usr/bin/python3 -c 'import json, pika, uuid; c = pika.BlockingConnection(pika.URLParameters("{{{address}}}")); c.channel().basic_publish("{{{exchange}}}", "{{{key}}}", json.dumps({"channel": "demo", "message_id": str(uuid.uuid4()), "message": "What is the weather in Makati?"})); c.close()'""";
    }

    [GeneratedRegex(@" (listening at|is (not )?(started|used))")]
    private static partial Regex ServiceLine();

    [GeneratedRegex(@"^([0-9:.]+ )?(warn|fail|crit): ")]
    private static partial Regex WarningLine();

    [GeneratedRegex("endpoint=([^;]*)", RegexOptions.IgnoreCase)]
    private static partial Regex Endpoint();
}
