using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Receiving;
using Cosmo.Functions.Tests.Assistants;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Runtime;
using Cosmo.Local.Runtime.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>Cosmo's functions in this process, but for the queue's trigger, on real Redis and RabbitMQ and on the emulators.</summary>
internal sealed class OperatorHost : IAsyncDisposable
{
    private const string AccessKey = "an-access-key-for-tests-of-some-length";

    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-operators-").FullName;
    private LocalFunctionsHost _host = null!;

    private OperatorHost()
    {
    }

    public TestRedis Redis { get; } = new();

    public required EmulatedOpenAI OpenAI { get; init; }

    public required WebPubSubEmulator WebPubSub { get; init; }

    public required CosmoQueue Queue { get; init; }

    public RecordedLogs Logs { get; } = new();

    /// <summary>Calls the functions with the master key.</summary>
    public HttpClient Http { get; private set; } = null!;

    /// <summary>Calls the functions without a key.</summary>
    public HttpClient Stranger { get; private set; } = null!;

    public Uri Url => _host.Url;

    public FunctionKeys Keys => _host.Services.GetRequiredService<FunctionKeys>();

    public IServiceProvider Services => _host.Services;

    public static async Task<OperatorHost> StartAsync(Dictionary<string, string?>? settings = null, TimeProvider? time = null)
    {
        var host = new OperatorHost
        {
            OpenAI = await EmulatedOpenAI.StartAsync(),
            WebPubSub = await WebPubSubEmulator.StartAsync(new WebPubSubEmulatorOptions { AccessKey = AccessKey }),
            Queue = await CosmoQueue.ConnectAsync(),
        };
        host._host = await LocalFunctionsHost.StartAsync(
            new LocalFunctionsHostOptions
            {
                Types = typeof(RedisConnection).Assembly.GetTypes().Except([typeof(ReceiveMessage)]),
                Settings = new ConfigurationBuilder().AddInMemoryCollection(host.Settings()).AddInMemoryCollection(settings).Build(),
                DataFolder = host._folder,
                Time = time ?? TimeProvider.System,
                Configure = builder =>
                {
                    builder.Logging.AddProvider(host.Logs);
                    builder.AddCosmo();
                },
            },
            TestContext.Current.CancellationToken);
        host.Stranger = new HttpClient { BaseAddress = host.Url };
        host.Http = new HttpClient { BaseAddress = host.Url };
        host.Http.DefaultRequestHeaders.Add("x-functions-key", host.Keys.MasterKey);
        return host;
    }

    /// <summary>Sends a request; the answer's body as JSON, null if it is empty.</summary>
    public async Task<(HttpStatusCode Status, JsonObject? Body)> SendAsync(string method, string address, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), address) { Content = body is null ? null : new StringContent(body) };
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        }

        var length = response.Content.Headers.ContentLength;
        return (response.StatusCode, length == 0 ? null : await response.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken));
    }

    /// <summary>Waits until an operation has ended, and returns its status.</summary>
    public async Task<JsonObject> EndAsync(string operation)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var (status, body) = await SendAsync("GET", $"operations/{operation}");
            if (status == HttpStatusCode.OK && body!["status"]!.GetValue<string>() is not ("pending" or "running"))
            {
                return body;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    public Task SetAsync(string key, string value) =>
        Redis.Connection.RunAsync(database => database.StringSetAsync(Redis.Prefix + key, value), TestContext.Current.CancellationToken);

    public Task<string?> GetAsync(string key) =>
        Redis.Connection.RunAsync(async database => (string?)await database.StringGetAsync(Redis.Prefix + key), TestContext.Current.CancellationToken);

    /// <summary>A thread as another program writes it, whose last message is so many days ago.</summary>
    public async Task<string> AddThreadAsync(string channel, double days, int messages = 1, string? threadId = null)
    {
        var at = (DateTimeOffset.UtcNow - TimeSpan.FromDays(days)).ToUnixTimeMilliseconds() / 1000.0;
        threadId ??= "thread_" + channel;
        await SetAsync("thread:" + channel, threadId);
        await SetAsync("metadata:" + channel, new JsonObject { ["created_at"] = at, ["message_count"] = messages, ["last_message_at"] = at }.ToJsonString());
        return threadId;
    }

    public async ValueTask DisposeAsync()
    {
        TestContext.Current.TestOutputHelper?.WriteLine(Logs.Text);
        Http?.Dispose();
        Stranger?.Dispose();
        await _host.DisposeAsync();
        await WebPubSub.DisposeAsync();
        await OpenAI.DisposeAsync();
        await Queue.DisposeAsync();
        await Redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Dictionary<string, string?> Settings() => new()
    {
        ["RABBITMQ_URL"] = CosmoQueue.Url,
        ["EXCHANGE_NAME"] = Queue.Exchange,
        ["QUEUE_NAME"] = Queue.Queue,
        ["ROUTING_KEY"] = CosmoQueue.RoutingKey,
        ["REDIS_URL"] = TestRedis.Url,
        ["REDIS_PREFIX"] = Redis.Prefix,
        ["WEB_PUBSUB_CONNECTION_STRING"] = $"Endpoint={WebPubSub.Url.GetLeftPart(UriPartial.Authority)};AccessKey={AccessKey};Version=1.0;",
        ["OPENAI_BASE_URL"] = new Uri(OpenAI.Url, "/v1").AbsoluteUri,
        ["OPENAI_API_KEY"] = "test",
        ["THREAD_PRUNING_SCHEDULE"] = "0 0 0 1 1 *",
        ["THREAD_INDEXING_SCHEDULE"] = "0 0 0 1 1 *",
        ["HISTORY_PURGING_SCHEDULE"] = "0 0 0 1 1 *",
    };
}
