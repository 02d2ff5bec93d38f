using System.Globalization;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal;
using Cosmo.Local.Terminal.Brokers;
using Cosmo.Local.Terminal.Processes;
using Cosmo.Local.Terminal.Running;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Cosmo.Bench;

/// <summary>
/// Everything real, each in a process of its own: Redis, RabbitMQ, the Web PubSub emulator with the tools' back ends, the model, the direct path, the host and
/// its worker. Nothing of it is anybody else's: free ports, a folder of its own, and all of it ends with this process.
/// </summary>
internal sealed class Stack : IAsyncDisposable
{
    public const string Hub = "cosmo";

    /// <summary>Known to everybody: it protects nothing.</summary>
    private const string Key = "local-access-key-of-the-emulator-0123456789";

    private static readonly AccessTokens Tokens = new(Key, TimeProvider.System);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly RunProcesses _processes;
    private readonly BrokerSupply _supply;
    private readonly LocalSettings _settings;
    private readonly Dictionary<string, string?> _environment;
    private readonly string _folder;
    private readonly string _functions;
    private readonly Azurite _azurite;
    private IConnection? _connection;
    private IChannel? _channel;

    private Stack(RunProcesses processes, string folder, BenchOptions options)
    {
        (_processes, _folder, _functions) = (processes, folder, options.Functions ?? "");
        _supply = new BrokerSupply(processes, folder);
        var original = LocalSettings.Load();
        Ports = FreeBlock();
        _settings = Ports.Move(original);
        _azurite = Azurite.At(new ConfigurationBuilder().Build(), Ports);
        (ModelPort, RedisUrl) = (LocalPorts.Free(), $"redis://127.0.0.1:{Ports.Redis}");
        _environment = PortBlock.EnvironmentOf(_settings, original);
        _environment["REDIS_URL"] = RedisUrl;
        _environment["RABBITMQ_URL"] = RabbitMQUrl;
        _environment["AzureFunctionsJobHost__extensions__durableTask__storageProvider__type"] = "sqlite";
        _environment["AzureFunctionsJobHost__logging__logLevel__default"] = "Warning";
        Gauge.AddTo(_environment, Directory.CreateDirectory(GaugeFolder).FullName);
        foreach (var (name, value) in options.Settings)
        {
            _environment[name] = value;
        }
    }

    public PortBlock Ports { get; }

    public int ModelPort { get; }

    public string RedisUrl { get; }

    public string RabbitMQUrl => $"amqp://guest:guest@127.0.0.1:{Ports.RabbitMQ}";

    public Uri WebPubSub => new($"http://127.0.0.1:{Ports.WebPubSub}/");

    public Uri Model => new($"http://127.0.0.1:{ModelPort}/v1/");

    /// <summary>OpenAI's emulator, which knows more than <see cref="Model"/>.</summary>
    public Uri OpenAI => new($"http://127.0.0.1:{Ports.OpenAI}/v1");

    public Uri Weather => new($"http://127.0.0.1:{Ports.BackEnds}/");

    public Uri Api => new($"http://127.0.0.1:{Ports.Functions}/api/");

    /// <summary>Where the functions keep their data.</summary>
    public string Folder => _folder;

    /// <summary>Where the gauges of their processes are.</summary>
    public string GaugeFolder => Path.Combine(_folder, "gauges");

    /// <summary>The Durable store of the functions.</summary>
    public string Database => Path.Combine(_folder, "durable.db");

    public static string Token(Uri audience, string?[] roles, string?[] groups) => Tokens.Create(audience.ToString(), TimeSpan.FromHours(12), null, roles, groups);

    /// <exception cref="TerminalException">Something does not start.</exception>
    public static async Task<Stack> StartAsync(string folder, BenchOptions options, CancellationToken cancellationToken)
    {
        var stack = new Stack(await RunProcesses.TakeOverAsync(folder), folder, options);
        try
        {
            await stack.StartAsync(cancellationToken);
            return stack;
        }
        catch
        {
            await stack.DisposeAsync();
            throw;
        }
    }

    public async Task PublishAsync(string channel, string messageId, string question, CancellationToken cancellationToken)
    {
        var body = $$"""{"channel":"{{channel}}","message_id":"{{messageId}}","message":"{{question}}"}""";
        await _channel!.BasicPublishAsync("cosmo_exchange", "cosmo_key", System.Text.Encoding.UTF8.GetBytes(body), cancellationToken);
    }

    public async Task PublishBareAsync(string channel, string messageId, string question, CancellationToken cancellationToken)
    {
        var body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { Channel = channel, Id = messageId, Text = "" });
        await _channel!.BasicPublishAsync("", "bare_queue", body, cancellationToken);
    }

    /// <summary>Has the bare app run so many orchestrations of two activities, of which the last to end tells the channel.</summary>
    public async Task PublishBurstAsync(string channel, string messageId, int orchestrations, CancellationToken cancellationToken)
    {
        var body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new { Channel = channel, Id = messageId, Count = orchestrations });
        await _channel!.BasicPublishAsync("", "bare_bursts", body, cancellationToken);
    }

    /// <summary>Stops the functions in an orderly way, does what can only be done then, and starts them again.</summary>
    /// <param name="meanwhile">What is done to their data; null for nothing.</param>
    /// <param name="settings">Settings beside those that they have; null for none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How long the start took until all was well.</returns>
    public async Task<TimeSpan> RestartFunctionsAsync(Action? meanwhile, IReadOnlyDictionary<string, string?>? settings, CancellationToken cancellationToken)
    {
        await _processes.EndAsync("functions", TimeSpan.FromSeconds(12));
        meanwhile?.Invoke();
        var begun = System.Diagnostics.Stopwatch.GetTimestamp();
        await StartFunctionsAsync(settings, cancellationToken);
        return System.Diagnostics.Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>Starts the bare app anew, on Azurite or on the store that it had.</summary>
    /// <exception cref="TerminalException">Azurite is not there and cannot be installed, or something does not start.</exception>
    public async Task RestartBareAsync(bool onAzurite, CancellationToken cancellationToken)
    {
        if (onAzurite)
        {
            await _azurite.StartAsync(_processes, _folder, cancellationToken);
        }

        await _processes.EndAsync("bare", TimeSpan.FromSeconds(12));
        if (!onAzurite)
        {
            await _processes.EndAsync(Azurite.Name, TimeSpan.FromSeconds(1));
        }

        await StartBareAsync(
            onAzurite
                ? new() { ["AzureWebJobsStorage"] = _azurite.ConnectionString, ["AzureFunctionsJobHost__extensions__durableTask__storageProvider__type"] = "AzureStorage" }
                : [],
            cancellationToken);
    }

    /// <summary>Takes the dead letters as they come, until it is disposed of.</summary>
    /// <param name="heard">Gets the id of each letter's message.</param>
    /// <param name="cancellationToken">Ends the beginning.</param>
    public async Task<IAsyncDisposable> HearDeadLettersAsync(Action<string> heard, CancellationToken cancellationToken)
    {
        var channel = await _connection!.CreateChannelAsync(cancellationToken: cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, letter) =>
        {
            heard(letter.BasicProperties.Headers?["x-cosmo-message-id"] is byte[] messageId ? System.Text.Encoding.UTF8.GetString(messageId) : "");
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync("cosmo_queue_failed", autoAck: true, consumer, cancellationToken);
        return channel;
    }

    /// <summary>Messages that no one has been given yet.</summary>
    public async Task<uint> WaitingAsync(CancellationToken cancellationToken) => await _channel!.MessageCountAsync("cosmo_queue", cancellationToken);

    public Task AskDirectlyAsync(string channel, string messageId, string question, CancellationToken cancellationToken)
    {
        var input = _processes["direct"].Input;
        lock (input)
        {
            input.WriteLine($"{channel}\t{messageId}\t{question}");
            input.Flush();
        }

        return Task.CompletedTask;
    }

    /// <summary>The processes by name; the worker is the host's child.</summary>
    public IReadOnlyDictionary<string, int> Ids()
    {
        var ids = new Dictionary<string, int>();
        foreach (var name in (string[])["functions", "redis", "rabbitmq", "emulators", "model", "direct", "bare"])
        {
            ids[name switch { "functions" => "host", "bare" => "bare's host", _ => name }] = ProcessFigures.ProgramOf(_processes[name].Id);
        }

        foreach (var (host, program, name) in new[] { ("host", "Cosmo.Functions.dll", "worker"), ("bare's host", "Bare.dll", "bare's worker") })
        {
            if (ProcessFigures.FindChild(ids[host], program) is { } worker)
            {
                ids[name] = worker;
            }
        }

        return ids;
    }

    /// <summary>Bytes that processes have allocated since they began; those that have no gauge are left out.</summary>
    public Dictionary<string, long> Allocated(IReadOnlyDictionary<string, int> ids) => ids
        .Where(process => process.Key.EndsWith("host", StringComparison.Ordinal) || process.Key.EndsWith("worker", StringComparison.Ordinal))
        .ToDictionary(process => process.Key, process => Gauge.Read(GaugeFolder, process.Value, collects: false).Allocated);

    public async ValueTask DisposeAsync()
    {
        await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Task.WhenAll(_processes.EndAsync("functions", TimeSpan.FromSeconds(12)), _processes.EndAsync("bare", TimeSpan.FromSeconds(12)));
        await Task.WhenAll(((string[])["direct", "model", "emulators", "rabbitmq", "redis"]).Append(Azurite.Name).Select(name => _processes.EndAsync(name, TimeSpan.FromSeconds(1))));
        await _supply.DisposeAsync();
        _processes.Dispose();
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        Broker[] brokers = [RabbitMQBroker.At(RabbitMQUrl, Ports.RabbitMQPage), RedisBroker.At(RedisUrl)];
        foreach (var broker in brokers)
        {
            await _supply.StartAsync(broker, cancellationToken);
        }

        _processes.Start("emulators", Programs.Own("emulators", "--data", _folder) with { Environment = _environment });
        await StartReadyAsync("model", Bench("model", Text(ModelPort)), cancellationToken);
        foreach (var broker in brokers)
        {
            await _supply.WaitUntilReadyAsync(broker, cancellationToken);
        }

        await _processes.WaitUntilAsync("emulators", Limit, () => LocalPorts.IsTakenAsync("127.0.0.1", Ports.WebPubSub, cancellationToken), cancellationToken);
        await StartReadyAsync("direct", Bench("direct", Model.ToString(), WebPubSub.ToString(), Weather.ToString()), cancellationToken);
        _connection = await new ConnectionFactory { Uri = new Uri(RabbitMQUrl) }.CreateConnectionAsync(cancellationToken);
        _channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach (var queue in (string[])["bare_queue", "bare_bursts"])
        {
            await _channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancellationToken);
        }

        await StartBareAsync([], cancellationToken);
        await StartFunctionsAsync(null, cancellationToken);
    }

    private async Task StartFunctionsAsync(IReadOnlyDictionary<string, string?>? settings, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?>(_environment) { ["OPENAI_BASE_URL"] = Model.ToString() };
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>())
        {
            environment[name] = value;
        }

        var launch = _functions.Length > 0
            ? Programs.Of(_functions, "functions", "--port", Text(Ports.Functions), "--data", _folder)
            : Programs.Own("functions", "--port", Text(Ports.Functions), "--data", _folder);
        _processes.Start("functions", launch with { Environment = environment });
        using var http = new HttpClient { Timeout = Limit };
        await _processes.WaitUntilAsync("functions", Limit, async () => await IsHealthyAsync(http, cancellationToken), cancellationToken);
    }

    private async Task StartBareAsync(Dictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in _environment)
        {
            settings.TryAdd(name, value);
        }

        var app = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "Bare", "bin", "Release", "net10.0");
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "bare")).FullName;
        _processes.Start("bare", Programs.Own("functions", "--app", app, "--port", "0", "--data", folder) with { Environment = settings });
        await _processes.WaitUntilAsync("bare", Limit, async () => (await _channel!.QueueDeclarePassiveAsync("bare_bursts", cancellationToken)).ConsumerCount > 0, cancellationToken);
        await _processes.WaitUntilAsync("bare", Limit, async () => (await _channel!.QueueDeclarePassiveAsync("bare_queue", cancellationToken)).ConsumerCount > 0, cancellationToken);
    }

    private async Task<bool> IsHealthyAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(Api, "health"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task StartReadyAsync(string name, Launch launch, CancellationToken cancellationToken)
    {
        var ready = new TaskCompletionSource();
        _processes.Start(name, launch, line =>
        {
            if (line == "ready")
            {
                ready.TrySetResult();
            }
            else
            {
                Console.WriteLine($"{name}: {line}");
            }
        });
        await _processes.WaitUntilAsync(name, Limit, () => Task.FromResult(ready.Task.IsCompleted), cancellationToken);
    }

    private static Launch Bench(params string[] arguments) => Programs.Of(typeof(Stack).Assembly.Location, arguments);

    private static PortBlock FreeBlock()
    {
        while (true)
        {
            var page = Random.Shared.Next(12_000, 32_000);
            var isFree = Enumerable.Range(page, 11).All(port =>
            {
                using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                try
                {
                    socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port));
                    return true;
                }
                catch (System.Net.Sockets.SocketException)
                {
                    return false;
                }
            });
            if (isFree)
            {
                return new PortBlock(page);
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
