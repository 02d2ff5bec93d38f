using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Local.Emulators.OpenAI;
using Cosmo.Local.Host.Http;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>How many instances of the app there are.</summary>
internal enum Fleet
{
    /// <summary>One, with its store of orchestrations in SQLite.</summary>
    One,

    /// <summary>Two on one queue, each with a store of its own.</summary>
    Two,

    /// <summary>Two on one queue and one store, which is Azure Storage's, emulated. Deployments bring the next version.</summary>
    Rolling,
}

/// <summary>
/// Cosmo with servers that may be broken: a Redis and a RabbitMQ of its own, and a proxy between the app and each service. Producers and the clients that never leave go past the proxies.
/// What a platform does is done here: a process that has ended is started again, and so is one that is not <c>health/live</c>.
/// </summary>
internal sealed class TortureStack : SystemUnderTest
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    private readonly RedisServer _firstRedis = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _lifecycle = new(1);
    private readonly List<App> _apps = [];
    private readonly Fleet _fleet;
    private RedisServer? _secondRedis;
    private AzuriteServer? _azurite;
    private Task _watching = Task.CompletedTask;
    private int _started;
    private int _version = 1;

    private readonly bool _isForFlood;

    private TortureStack(Fleet fleet, bool isForFlood) => (_fleet, _isForFlood, Redis) = (fleet, isForFlood, _firstRedis);

    public CosmoStack Cosmo { get; private set; } = null!;

    /// <summary>The Redis that the app has at the moment.</summary>
    public RedisServer Redis { get; private set; }

    public RabbitMQServer Broker { get; } = new();

    public TcpProxy ToRedis { get; private set; } = null!;

    public TcpProxy ToBroker { get; private set; } = null!;

    public TcpProxy ToOpenAI { get; private set; } = null!;

    public TcpProxy ToWebPubSub { get; private set; } = null!;

    /// <summary>How often the functions were started because they had ended by themselves, or were not live.</summary>
    public int Restarts { get; private set; }

    /// <summary>What all instances have written.</summary>
    public string Output => string.Concat(_apps.Select(app => app.Output));

    /// <param name="isForFlood">Producers are limited as well.</param>
    public static async Task<TortureStack> StartAsync(Fleet fleet, bool isForFlood, CancellationToken cancellationToken)
    {
        var stack = new TortureStack(fleet, isForFlood);
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

    /// <summary>Its processes, by what they are.</summary>
    public IReadOnlyList<(string Name, int Id)> AllProcesses =>
    [
        .. _apps.Select((app, i) => (string.Create(CultureInfo.InvariantCulture, $"host and worker {i + 1}"), app.HostId)),
        ("Redis", Redis.Id), ("RabbitMQ", Broker.Id),
    ];

    /// <summary>One of the instances that are there.</summary>
    public App Any(Random random) => _apps[random.Next(_apps.Count)];

    /// <summary>Kills host and worker, or has them stop, and starts them again after a while.</summary>
    public Task RestartAsync(App app, bool kill, TimeSpan away, CancellationToken cancellationToken) => RunAloneAsync(async () =>
    {
        await app.EndAsync(kill, cancellationToken);
        await Task.Delay(away, cancellationToken);
        await app.StartAsync(cancellationToken);
    });

    /// <summary>A deployment: instances of the next version take the places of all others, one after the other, which stop as the platform stops them.</summary>
    public Task DeployAsync(CancellationToken cancellationToken) => RunAloneAsync(async () =>
    {
        _version++;
        foreach (var old in _apps.ToList())
        {
            await AddAppAsync(cancellationToken);
            _apps.Remove(old);
            await old.EndAsync(kill: false, cancellationToken);
            await old.DisposeAsync();
        }
    });

    /// <summary>Makes the replica, which lags, the master: what it had not got yet is lost.</summary>
    public async Task FailOverAsync(TimeSpan lag, CancellationToken cancellationToken)
    {
        var (old, replica) = (Redis, Redis == _firstRedis ? _secondRedis ??= new RedisServer() : _firstRedis);
        await replica.StartAsync();
        await replica.CommandAsync($"REPLICAOF 127.0.0.1 {old.Port}", cancellationToken);
        while (!(await replica.CommandAsync("INFO replication", cancellationToken)).Contains("master_link_status:up", StringComparison.Ordinal))
        {
            await Task.Delay(50, cancellationToken);
        }

        Processes.Signal("STOP", replica.Id);
        await Task.Delay(lag, cancellationToken);
        await old.KillAsync();
        Processes.Signal("CONT", replica.Id);
        await replica.CommandAsync("REPLICAOF NO ONE", cancellationToken);
        (Redis, ToRedis.Target) = (replica, replica.Port);
        ToRedis.Cut();
    }

    /// <summary>Does it while nobody else starts or ends the functions.</summary>
    public async Task RunAloneAsync(Func<Task> run)
    {
        await _lifecycle.WaitAsync();
        try
        {
            await run();
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    public override Producer NewProducer() => new(Broker.Url, Cosmo.Queue.Exchange, CosmoQueue.RoutingKey);

    /// <summary>Past the app and its proxies.</summary>
    public override Task<Uri> AddressAsync(string channel, CancellationToken cancellationToken) => Task.FromResult(Cosmo.AddressOf(channel));

    public override async Task<Uri> NegotiateAsync(string channel, CancellationToken cancellationToken) =>
        new UriBuilder(await AskForAddressAsync($"channels/{RouteName.Write(channel)}/negotiate", null, cancellationToken)) { Port = Cosmo.WebPubSub.Url.Port }.Uri;

    public override async Task<IReadOnlyList<JsonNode>?> ItemsAsync(string threadId) => await Cosmo.ItemsAsync(threadId);

    /// <summary>The usage of all channels alone: operators see a thousand at most, and a long run has more.</summary>
    public override async Task ForgetAsync(IReadOnlyCollection<string> channels, CancellationToken cancellationToken) => (await Redis.CommandAsync(
        """EVAL "for _, key in ipairs(redis.call('KEYS', '*{usage}:*:channel')) do redis.call('DEL', key) end return 1" 0""", cancellationToken)).ShouldStartWith(":1");

    /// <summary>Takes all that are there.</summary>
    public override async Task<IReadOnlyList<Letter>> LettersAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(Broker.Url) }.CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var letters = new List<Letter>();
        while (await channel.BasicGetAsync(Cosmo.Queue.FailedQueue, autoAck: true, cancellationToken) is { } letter)
        {
            var headers = CosmoQueue.HeadersOf(letter.BasicProperties);
            letters.Add(new Letter(HistoryRecorder.Now, headers.GetValueOrDefault("x-cosmo-message-id", ""), headers.GetValueOrDefault("x-cosmo-cause", "")));
        }

        return letters;
    }

    /// <summary>Deletes the queue, as somebody might by mistake, and waits until an instance listens to a new one.</summary>
    public async Task DeleteQueueAsync(CancellationToken cancellationToken)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(Broker.Url) }.CreateConnectionAsync(cancellationToken);
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken))
        {
            await channel.QueueDeleteAsync(Cosmo.Queue.Queue, cancellationToken: cancellationToken);
        }

        while (!await HasConsumerAsync())
        {
            await Task.Delay(500, cancellationToken);
        }

        async Task<bool> HasConsumerAsync()
        {
            try
            {
                await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                return (await channel.QueueDeclarePassiveAsync(Cosmo.Queue.Queue, cancellationToken)).ConsumerCount > 0;
            }
            catch (OperationInterruptedException)
            {
                return false;
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        foreach (var proxy in (TcpProxy?[])[ToRedis, ToBroker, ToOpenAI, ToWebPubSub])
        {
            await (proxy?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        await (Cosmo?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Broker.DisposeAsync();
        await _firstRedis.DisposeAsync();
        await (_secondRedis?.DisposeAsync() ?? ValueTask.CompletedTask);
        await (_azurite?.DisposeAsync() ?? ValueTask.CompletedTask);
        _lifecycle.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Any instance that is there.</summary>
    protected override HttpClient Http => _apps[^1].Http;

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await Redis.StartAsync();
        await Broker.StartAsync();
        if (_fleet == Fleet.Rolling)
        {
            _azurite = new AzuriteServer();
            await _azurite.InitializeAsync();
        }

        Cosmo = await CosmoStack.CreateAsync(
            new Dictionary<string, string>
            {
                ["RABBITMQ_URL"] = Broker.Url,
                ["USER_MESSAGES_PER_MINUTE"] = _isForFlood ? "30" : "0",

                // All clients have one address, and come and go more often than people do.
                ["NEGOTIATIONS_PER_MINUTE"] = "0",
                ["Cosmo:Conversations:FirstEventSeconds"] = _fleet == Fleet.Rolling ? "45" : "20",
                ["Cosmo:Conversations:StallSeconds"] = _fleet == Fleet.Rolling ? "60" : "20",
                ["Cosmo:Conversations:OverallSeconds"] = _fleet == Fleet.Rolling ? "90" : "60",
            },
            new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(50), TokenPace = TimeSpan.FromMilliseconds(20), MaxLoggedRequests = 100_000 });
        ToRedis = new TcpProxy(Redis.Port);
        ToBroker = new TcpProxy(Broker.Port);
        ToOpenAI = new TcpProxy(Cosmo.OpenAI.Url.Port);
        ToWebPubSub = new TcpProxy(Cosmo.WebPubSub.Url.Port);
        Cosmo.Set("REDIS_URL", $"redis://127.0.0.1:{ToRedis.Port}/0");
        Cosmo.Set("RABBITMQ_URL", $"amqp://guest:guest@127.0.0.1:{ToBroker.Port}");
        Cosmo.Set("OPENAI_BASE_URL", $"http://127.0.0.1:{ToOpenAI.Port}/v1");
        Cosmo.Set("WEB_PUBSUB_CONNECTION_STRING", Cosmo.WebPubSub.ConnectionString.Replace($":{Cosmo.WebPubSub.Url.Port}", $":{ToWebPubSub.Port}", StringComparison.Ordinal));
        await Cosmo.FaultAsync(TortureLoad.Faults);
        for (var i = 0; i < (_fleet == Fleet.One ? 1 : 2); i++)
        {
            await AddAppAsync(cancellationToken);
        }

        _watching = WatchAsync();
    }

    private async Task AddAppAsync(CancellationToken cancellationToken)
    {
        var number = _started++;
        var settings = new Dictionary<string, string>(Cosmo.Settings);
        if (_azurite is not null)
        {
            foreach (var (name, value) in _azurite.SettingsOf(string.Create(CultureInfo.InvariantCulture, $"instance-{number}"), string.Create(CultureInfo.InvariantCulture, $"{_version}.0")))
            {
                settings[name] = value;
            }
        }


        // Beside the first one's folder, which is a disk of its own: what lies in it goes with that.
        var app = new App(
            number == 0 ? Cosmo.Port : FreePorts.Next(), number == 0 ? Cosmo.Folder : string.Create(CultureInfo.InvariantCulture, $"{Cosmo.Folder}-app-{number}"), settings, ownsFolder: number > 0);
        _apps.Add(app);
        await app.StartAsync(cancellationToken);
    }

    /// <summary>What a platform does that pings an app.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Look);
        var bad = new Dictionary<App, int>();
        while (await timer.WaitForNextTickAsync(_stopping.Token))
        {
            foreach (var app in _lifecycle.CurrentCount == 0 ? [] : _apps.ToArray())
            {
                bad[app] = app.HasEnded || await app.IsDeadAsync(_stopping.Token) ? bad.GetValueOrDefault(app) + 1 : 0;
                if (bad[app] >= 2)
                {
                    bad[app] = 0;
                    Restarts++;
                    await RestartAsync(app, kill: true, TimeSpan.Zero, _stopping.Token);
                }
            }
        }
    }
}

/// <summary>One instance of the app: a host and its worker, which may be killed and started again.</summary>
internal sealed class App : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>More than a run writes.</summary>
    private const int DiskMegabytes = 512;

    /// <summary>What moves a process's clock, compiled; null where there is no compiler for C.</summary>
    private static readonly Lazy<string?> ClockLibrary = new(() =>
    {
        var library = Path.Combine(AppContext.BaseDirectory, "clock.so");
        return Processes.Run("cc", "-shared", "-fPIC", "-O2", "-o", library, Path.Combine(AppContext.BaseDirectory, "Proof", "clock.c")) ? library : null;
    });

    private readonly int _port;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private readonly bool _ownsFolder;
    private readonly bool _hasOwnDisk;
    private readonly string _clocks;
    private readonly StringBuilder _before = new();
    private FunctionsProcess? _process;

    public App(int port, string folder, IReadOnlyDictionary<string, string> settings, bool ownsFolder)
    {
        (_port, _folder, _ownsFolder) = (port, Directory.CreateDirectory(folder).FullName, ownsFolder);
        _clocks = Directory.CreateTempSubdirectory("cosmo-clocks-").FullName;
        _settings = ClockLibrary.Value is not { } library ? settings : new Dictionary<string, string>(settings) { ["LD_PRELOAD"] = library, ["COSMO_CLOCKS"] = _clocks };
        _hasOwnDisk = Processes.Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={DiskMegabytes}m"), "tmpfs", _folder);
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/api/"), Timeout = TimeSpan.FromSeconds(30) };
        Http.DefaultRequestHeaders.Add("x-functions-key", FunctionKeys.Open(folder).MasterKey);
    }

    /// <summary>Calls it with the master key.</summary>
    public HttpClient Http { get; }

    /// <summary>What it has written, over all its starts.</summary>
    public string Output => _before + _process?.Output;

    public bool HasEnded => _process?.HasEnded != false;

    public int HostId => _process!.Id;

    public int? WorkerId => _process?.WorkerId;

    /// <summary>How often the Durable store could not write.</summary>
    public int RefusedCommits => Output.Split("Until then durable functions wait").Length - 1;

    /// <summary>Leaves no room on the disk that has its store. Returns the file that takes it; null where it has no disk of its own, for which one must be root.</summary>
    public string? FillDisk()
    {
        if (!_hasOwnDisk)
        {
            return null;
        }

        var name = Path.Combine(_folder, "filler");
        using var filler = new FileStream(name, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            var block = new byte[64 * 1024];
            for (var written = 0; written < DiskMegabytes * 16; written++)
            {
                filler.Write(block);
            }
        }
        catch (IOException)
        {
            // It is full.
        }

        return name;
    }

    /// <summary>Moves the wall clock of one of its processes from the true time.</summary>
    /// <returns>False where that cannot be done: there is no compiler for C, or the process has ended.</returns>
    public bool MoveClock(int process, TimeSpan offset)
    {
        var clock = Path.Combine(_clocks, process.ToString(CultureInfo.InvariantCulture));
        if (!File.Exists(clock))
        {
            return false;
        }

        using var file = new FileStream(clock, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.Write(BitConverter.GetBytes((long)offset.TotalSeconds));
        return true;
    }

    /// <summary>Starts it, and returns when it says that all is well.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _process = FunctionsProcess.Start(_port, _folder, _settings);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        await CosmoStack.WaitUntilWellAsync(_process, Http, limit.Token);
    }

    public Task KillWorkerAsync() => _process!.KillWorkerAsync();

    /// <summary>As <c>kill -9</c> of both does it, or as a deployment.</summary>
    public async Task EndAsync(bool kill, CancellationToken cancellationToken)
    {
        if (_process is null)
        {
            return;
        }

        if (!kill && !_process.HasEnded)
        {
            await _process.StopAsync(cancellationToken);
        }

        await _process.DisposeAsync();
        _before.Append(_process.Output);
        _process = null;
    }

    /// <summary>Whether it says that a new start would help.</summary>
    public async Task<bool> IsDeadAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Http.GetAsync("health/live", cancellationToken);
            return answer.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            // It starts, or stands still: that is somebody's doing, and passes.
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync(kill: true, CancellationToken.None);
        Http.Dispose();
        _ = _hasOwnDisk && Processes.Run("umount", "--lazy", _folder);
        if (_ownsFolder)
        {
            Directory.Delete(_folder, recursive: true);
        }

        Directory.Delete(_clocks, recursive: true);
    }
}

/// <summary>A producer that is not ours: it publishes until the broker has confirmed.</summary>
internal sealed class Producer(string url, string exchange, string routingKey) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim _one = new(1);
    private IConnection? _connection;
    private IChannel? _channel;

    public async Task PublishAsync(string channel, string messageId, string text, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new { channel, message_id = messageId, message = text });
        while (true)
        {
            IChannel? to = null;
            try
            {
                to = await OpenAsync(cancellationToken);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(Patience);
                await to.BasicPublishAsync(exchange, routingKey, mandatory: true, new BasicProperties { DeliveryMode = DeliveryModes.Persistent }, body, limit.Token);
                return;
            }
            catch (Exception error) when (error is OperationInterruptedException or AlreadyClosedException or BrokerUnreachableException or PublishException or IOException or ObjectDisposedException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // Whether the broker has it is not known: it is published again, with its id, over another connection. One that was given up on in mid-publish counts what it waits for as under way for good.
                await ForgetAsync(to);
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        _one.Dispose();
    }

    /// <summary>Gives a channel up, unless somebody has already.</summary>
    private async Task ForgetAsync(IChannel? channel)
    {
        await _one.WaitAsync();
        try
        {
            if (channel is not null && channel == _channel)
            {
                _channel = null;
                await _connection!.DisposeAsync();
                _connection = null;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (_channel is { IsOpen: true } open)
        {
            return open;
        }

        await _one.WaitAsync(cancellationToken);
        try
        {
            if (_channel is not { IsOpen: true })
            {
                await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
                _connection = null;
                _connection = await new ConnectionFactory { Uri = new Uri(url), AutomaticRecoveryEnabled = false }.CreateConnectionAsync(cancellationToken);
                _channel = await _connection.CreateChannelAsync(new CreateChannelOptions(true, true), cancellationToken);
            }

            return _channel;
        }
        finally
        {
            _one.Release();
        }
    }
}
