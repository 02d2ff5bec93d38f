using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.EndToEnd;
using Cosmo.Local.Emulators.OpenAI;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>
/// Cosmo with servers that may be broken: a Redis and a RabbitMQ of its own, and a proxy between the app and each service. Producers and the clients that never leave go past the proxies.
/// What a platform does is done here: a process that has ended is started again, and so is one that is not <c>health/live</c>.
/// </summary>
internal sealed class TortureStack : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(2);

    private readonly RedisServer _firstRedis = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _lifecycle = new(1);
    private RedisServer? _secondRedis;
    private Task _watching = Task.CompletedTask;

    private TortureStack()
    {
    }

    public CosmoStack Cosmo { get; private set; } = null!;

    /// <summary>The Redis that the app has at the moment.</summary>
    public RedisServer Redis { get; private set; } = null!;

    public RabbitMQServer Broker { get; } = new();

    public TcpProxy ToRedis { get; private set; } = null!;

    public TcpProxy ToBroker { get; private set; } = null!;

    public TcpProxy ToOpenAI { get; private set; } = null!;

    public TcpProxy ToWebPubSub { get; private set; } = null!;

    /// <summary>How often the functions were started because they had ended by themselves, or were not live.</summary>
    public int Restarts { get; private set; }

    public static async Task<TortureStack> StartAsync(CancellationToken cancellationToken)
    {
        var stack = new TortureStack();
        stack.Redis = stack._firstRedis;
        await stack._firstRedis.StartAsync();
        await stack.Broker.StartAsync();
        stack.Cosmo = await CosmoStack.CreateAsync(
            new Dictionary<string, string>
            {
                ["RABBITMQ_URL"] = stack.Broker.Url,
                ["Cosmo:Conversations:FirstEventSeconds"] = "20",
                ["Cosmo:Conversations:StallSeconds"] = "20",
                ["Cosmo:Conversations:OverallSeconds"] = "60",
            },
            new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.FromMilliseconds(50), TokenPace = TimeSpan.FromMilliseconds(20), MaxLoggedRequests = 100_000 },
            inOwnProcess: true);
        stack.ToRedis = new TcpProxy(stack.Redis.Port);
        stack.ToBroker = new TcpProxy(stack.Broker.Port);
        stack.ToOpenAI = new TcpProxy(stack.Cosmo.OpenAI.Url.Port);
        stack.ToWebPubSub = new TcpProxy(stack.Cosmo.WebPubSub.Url.Port);
        stack.Cosmo.Set("REDIS_URL", $"redis://127.0.0.1:{stack.ToRedis.Port}/0");
        stack.Cosmo.Set("RABBITMQ_URL", $"amqp://guest:guest@127.0.0.1:{stack.ToBroker.Port}");
        stack.Cosmo.Set("OPENAI_BASE_URL", $"http://127.0.0.1:{stack.ToOpenAI.Port}/v1");
        stack.Cosmo.Set(
            "WEB_PUBSUB_CONNECTION_STRING",
            stack.Cosmo.WebPubSub.ConnectionString.Replace($":{stack.Cosmo.WebPubSub.Url.Port}", $":{stack.ToWebPubSub.Port}", StringComparison.Ordinal));
        await stack.Cosmo.FaultAsync(TortureLoad.Faults);
        await stack.Cosmo.StartFunctionsAsync();
        stack._watching = stack.WatchAsync();
        return stack;
    }

    /// <summary>Kills host and worker, and starts them again after a while.</summary>
    public Task RestartAsync(bool kill, TimeSpan away, CancellationToken cancellationToken) => RunAloneAsync(async () =>
    {
        if (!Cosmo.Process.HasEnded)
        {
            await (kill ? Cosmo.KillAsync() : Cosmo.StopFunctionsAsync(cancellationToken));
        }

        await Task.Delay(away, cancellationToken);
        await Cosmo.StartFunctionsAsync();
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

        Processes.Signal(replica.Id, "STOP");
        await Task.Delay(lag, cancellationToken);
        await old.KillAsync();
        Processes.Signal(replica.Id, "CONT");
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

    /// <summary>What came after a sequence, as a client asks for it.</summary>
    public async Task<JsonElement> UpdatesAsync(string channel, long after, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        return await Cosmo.Http.GetFromJsonAsync<JsonElement>($"channels/{RouteName.Write(channel)}/updates?after={after.ToString(CultureInfo.InvariantCulture)}", limit.Token);
    }

    /// <summary>An address for a client, from the app.</summary>
    public async Task<Uri> NegotiateAsync(string channel, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        using var answer = await Cosmo.Http.PostAsync($"channels/{RouteName.Write(channel)}/negotiate", null, limit.Token);
        answer.EnsureSuccessStatusCode();
        var address = new Uri((await answer.Content.ReadFromJsonAsync<JsonObject>(limit.Token))!["url"]!.GetValue<string>());
        return new UriBuilder(address) { Port = Cosmo.WebPubSub.Url.Port }.Uri;
    }

    /// <summary>Takes the dead letters there are.</summary>
    public async Task<IReadOnlyList<Letter>> TakeLettersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(Broker.Url) }.CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var letters = new List<Letter>();
        while (await channel.BasicGetAsync(Cosmo.Queue.FailedQueue, autoAck: true, cancellationToken) is { } letter)
        {
            string Header(string name) => letter.BasicProperties.Headers?.TryGetValue(name, out var value) == true && value is byte[] bytes ? System.Text.Encoding.UTF8.GetString(bytes) : "";
            letters.Add(new Letter(HistoryRecorder.Now, Header("x-cosmo-message-id"), Header("x-cosmo-cause")));
        }

        return letters;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var proxy in (TcpProxy?[])[ToRedis, ToBroker, ToOpenAI, ToWebPubSub])
        {
            proxy?.Heal();
        }

        await Cosmo.DisposeAsync();
        foreach (var proxy in (TcpProxy?[])[ToRedis, ToBroker, ToOpenAI, ToWebPubSub])
        {
            await (proxy?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        await Broker.DisposeAsync();
        await _firstRedis.DisposeAsync();
        await (_secondRedis?.DisposeAsync() ?? ValueTask.CompletedTask);
        _lifecycle.Dispose();
        _stopping.Dispose();
    }

    /// <summary>What a platform does that pings an app.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Look);
        for (var bad = 0; await timer.WaitForNextTickAsync(_stopping.Token);)
        {
            if (_lifecycle.CurrentCount == 0)
            {
                continue;
            }

            bad = Cosmo.Process.HasEnded || await IsDeadAsync() ? bad + 1 : 0;
            if (bad >= 2)
            {
                bad = 0;
                Restarts++;
                await RestartAsync(kill: true, TimeSpan.Zero, _stopping.Token);
            }
        }
    }

    private async Task<bool> IsDeadAsync()
    {
        try
        {
            using var answer = await Cosmo.Http.GetAsync("health/live", _stopping.Token);
            return answer.StatusCode == System.Net.HttpStatusCode.ServiceUnavailable;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            // It starts, or stands still: that is somebody's doing, and passes.
            return false;
        }
    }
}

/// <summary>A producer that is not ours: it publishes until the broker has confirmed.</summary>
internal sealed class Producer(string url, string exchange) : IAsyncDisposable
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
            try
            {
                var to = await OpenAsync(cancellationToken);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(Patience);
                await to.BasicPublishAsync(exchange, CosmoQueue.RoutingKey, mandatory: true, new BasicProperties { DeliveryMode = DeliveryModes.Persistent }, body, limit.Token);
                return;
            }
            catch (Exception error) when (error is OperationInterruptedException or AlreadyClosedException or BrokerUnreachableException or PublishException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // Whether the broker has it is not known: it is published again, with its id.
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await (_connection?.DisposeAsync() ?? ValueTask.CompletedTask);
        _one.Dispose();
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

/// <summary>Signals to processes, and what Linux says of them.</summary>
internal static class Processes
{
    public static void Signal(int process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>The process and all that it has started.</summary>
    public static IReadOnlyList<int> TreeOf(int process)
    {
        try
        {
            return
            [
                process,
                .. Directory.GetDirectories($"/proc/{process}/task")
                    .SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    .SelectMany(child => TreeOf(int.Parse(child, CultureInfo.InvariantCulture))),
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether it stands still.</summary>
    public static bool IsStopped(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] == 'T';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
