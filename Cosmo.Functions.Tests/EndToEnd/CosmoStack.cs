using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Functions.Hosting;
using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Emulators;
using Cosmo.Local.Emulators.Backends;
using Cosmo.Local.Emulators.OpenAI;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Emulators.WebPubSub.Events;
using Cosmo.Local.Host;
using Cosmo.Local.Host.Http;
using Cosmo.Local.Terminal.Planning;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>
/// All of Cosmo for one test: real Redis and RabbitMQ with names of its own, the emulators, and the functions: their worker as a process, and the host in this
/// one, or in one of its own, so that it can be killed and started again.
/// </summary>
internal sealed class CosmoStack : IAsyncDisposable
{
    /// <summary>The setting that switches off the function that compares the index of threads with the keys, at the start and by a timer.</summary>
    public const string NoIndexing = "AzureWebJobs.RefreshThreadIndex.Disabled";

    /// <summary>Deadlines that no machine is too slow for, where a test is not about them.</summary>
    public static readonly IReadOnlyDictionary<string, string> Patient = new Dictionary<string, string>
    {
        ["Cosmo:Conversations:FirstEventSeconds"] = "300",
        ["Cosmo:Conversations:StallSeconds"] = "300",
        ["Cosmo:Conversations:OverallSeconds"] = "480",
    };

    private const string AccessKey = "an-access-key-for-tests-of-some-length";

    private readonly TestRedis _redis = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-test-").FullName;
    private readonly int _port = FreePorts.Next();
    private readonly Dictionary<string, string> _settings = [];
    private readonly List<IRunningFunctions> _running = [];
    private readonly bool _inOwnProcess;
    private FunctionKeys _keys = null!;

    private CosmoStack(bool inOwnProcess) => _inOwnProcess = inOwnProcess;

    public required CosmoQueue Queue { get; init; }

    public required OpenAIEmulator OpenAI { get; init; }

    public required BackendsEmulator Backends { get; init; }

    public WebPubSubEmulator WebPubSub { get; private set; } = null!;

    public RedisConnection Redis => _redis.Connection;

    public string RedisPrefix => _redis.Prefix;

    public FunctionKeys Keys => _keys;

    /// <summary>The settings of the functions.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>Where the functions are that <see cref="Http"/> calls, once they are started.</summary>
    public int Port => _port;

    /// <summary>Their data folder.</summary>
    public string Folder => _folder;

    /// <summary>An address with which one client connects to a channel that needs nobody's leave.</summary>
    public Uri AddressOf(string channel)
    {
        var audience = new Uri(WebPubSub.Url, "/client/hubs/cosmo");
        var token = new AccessTokens(AccessKey, TimeProvider.System).Create(audience.AbsoluteUri, TimeSpan.FromHours(12), null, [], [channel]);
        return new Uri($"ws://{audience.Authority}{audience.AbsolutePath}?access_token={token}");
    }

    /// <summary>What the functions that were started last have written so far.</summary>
    public string Output => _running[^1].Output;

    /// <summary>Waits until the functions that were started last have written this.</summary>
    /// <exception cref="TimeoutException">They had not within a minute.</exception>
    public Task WroteAsync(string text, CancellationToken cancellationToken) => Eventually.IsSoAsync(
        () => Output.Contains(text, StringComparison.Ordinal), () => $"The functions did not write \"{text}\".", cancellationToken);

    /// <summary>Calls the functions with the master key; addresses are relative to <c>/api/</c>.</summary>
    public HttpClient Http { get; private set; } = null!;

    /// <summary>Calls the functions that were started beside the first last, if there are any.</summary>
    public HttpClient SecondHttp { get; private set; } = new();

    /// <summary>Starts everything, the functions last.</summary>
    /// <param name="settings">Settings of the functions beside those that every stack has.</param>
    /// <param name="openAI">The pace of the model; by default it answers as fast as it can.</param>
    /// <param name="inOwnProcess">The host is a process, which takes seconds more: for tests that kill it, stop it by a signal, or look at all that it writes.</param>
    public static async Task<CosmoStack> StartAsync(IReadOnlyDictionary<string, string>? settings = null, OpenAIEmulatorOptions? openAI = null, bool inOwnProcess = false)
    {
        var stack = await CreateAsync(settings, openAI, inOwnProcess);
        await stack.StartFunctionsAsync();
        return stack;
    }

    /// <summary>Starts everything but the functions.</summary>
    /// <inheritdoc cref="StartAsync" path="/param" />
    public static async Task<CosmoStack> CreateAsync(IReadOnlyDictionary<string, string>? settings = null, OpenAIEmulatorOptions? openAI = null, bool inOwnProcess = false)
    {
        var stack = new CosmoStack(inOwnProcess)
        {
            Queue = await CosmoQueue.ConnectAsync(settings?.GetValueOrDefault("RABBITMQ_URL")),
            OpenAI = await OpenAIEmulator.StartAsync(openAI ?? new OpenAIEmulatorOptions { FirstTokenDelay = TimeSpan.Zero, TokenPace = TimeSpan.Zero }),
            Backends = await BackendsEmulator.StartAsync(new BackendsEmulatorOptions()),
        };
        stack._keys = FunctionKeys.Open(stack._folder);
        stack.WebPubSub = await WebPubSubEmulator.StartAsync(new WebPubSubEmulatorOptions
        {
            AccessKey = AccessKey,
            EventHandlers = new Dictionary<string, WebPubSubEventHandler>
            {
                ["cosmo"] = new($"http://127.0.0.1:{stack._port}/api/webpubsub/events?code={stack._keys.DefaultKey}", LocalServices.UserEvents),
            },
        });
        stack.Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{stack._port}/api/"), Timeout = TimeSpan.FromSeconds(30) };
        stack.Http.DefaultRequestHeaders.Add("x-functions-key", stack._keys.MasterKey);
        stack.Configure(settings ?? new Dictionary<string, string>());
        await File.WriteAllTextAsync(stack.SettingsFile, """{"Values": {}, "Host": {"CORS": "*"}}""");
        return stack;
    }

    /// <summary>The folder of the app that a host in a process of its own runs; null for the one that was built.</summary>
    public string? App { get; set; }

    /// <summary>Changes a setting for the next start of the functions.</summary>
    public void Set(string name, string value) => _settings[name] = value;

    /// <summary>Starts the functions, again after a kill, and returns when they answer that all is well.</summary>
    public Task StartFunctionsAsync() => StartFunctionsAsync(Http, _port, _folder);

    /// <summary>Starts the functions with settings that may not do, and returns when they have answered how they are, or have ended.</summary>
    public async Task TryFunctionsAsync(CancellationToken cancellationToken)
    {
        var process = FunctionsProcess.Start(_port, _folder, _settings);
        _running.Add(process);
        while (!process.HasEnded)
        {
            try
            {
                using var answer = await Http.GetAsync("health", cancellationToken);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(50, cancellationToken);
            }
        }
    }

    /// <summary>Kills host and worker that were started last, as <c>kill -9</c> does: the loss of a whole machine.</summary>
    public Task KillAsync() => Process.KillAsync();

    /// <summary>Stops host and worker that were started last, as a deployment does.</summary>
    public Task StopFunctionsAsync(CancellationToken cancellationToken) => Process.StopAsync(cancellationToken);

    /// <summary>Kills the worker alone, as <c>kill -9</c> does. The host fails its activities and starts another.</summary>
    public Task KillWorkerAsync() => _running[^1].KillWorkerAsync();

    /// <summary>Starts functions beside those that run, on the same broker and Redis. Their data folder is their own, and so is a durable store that lies there.</summary>
    /// <param name="name">A name that none of this stack had yet.</param>
    public async Task StartBesideAsync(string name)
    {
        var folder = Path.Combine(_folder, name);
        SecondHttp.Dispose();
        SecondHttp = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{FreePorts.Next()}/api/"), Timeout = TimeSpan.FromSeconds(30) };
        SecondHttp.DefaultRequestHeaders.Add("x-functions-key", FunctionKeys.Open(folder).MasterKey);
        await StartFunctionsAsync(SecondHttp, SecondHttp.BaseAddress.Port, folder);
    }

    /// <summary>Stops those functions that run longest, as a deployment does, and returns when they have ended; or kills them.</summary>
    public async Task EndOldestAsync(bool kill = false)
    {
        var oldest = _running[0];
        _running.RemoveAt(0);
        if (!kill && oldest is FunctionsProcess process)
        {
            await process.StopAsync(TestContext.Current.CancellationToken);
        }

        await EndAsync(oldest);
    }

    private string SettingsFile => Path.Combine(_folder, "local.settings.json");

    private FunctionsProcess Process =>
        _running[^1] as FunctionsProcess ?? throw new InvalidOperationException("The host runs in this process; start the stack with one in a process of its own.");

    private async Task StartFunctionsAsync(HttpClient http, int port, string folder)
    {
        IRunningFunctions running = _inOwnProcess ? FunctionsProcess.Start(port, folder, _settings, App) : await HostedFunctions.StartAsync(port, folder, SettingsFile, _settings);
        _running.Add(running);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await WaitUntilWellAsync(running, http, limit.Token);
    }

    /// <summary>Waits until functions that are being started answer that all is well.</summary>
    /// <exception cref="InvalidOperationException">They have ended.</exception>
    public static async Task WaitUntilWellAsync(IRunningFunctions running, HttpClient http, CancellationToken limit)
    {
        while (true)
        {
            running.ThrowIfEnded();
            try
            {
                using var answer = await http.GetAsync("health", limit);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !limit.IsCancellationRequested)
            {
                // Not listening yet, or waiting for its worker for longer than a request may take.
            }

            await Task.Delay(50, limit);
        }
    }

    /// <summary>Starts the server of the chat page, which <c>./cosmo test</c> has built.</summary>
    public Task<ChatPage> StartPageAsync(CancellationToken cancellationToken) => ChatPage.StartAsync(
        new ChatPageOptions
        {
            Url = new Uri("http://127.0.0.1:0"),
            Functions = Http.BaseAddress!,
            WebPubSub = WebPubSub.Url,
            Key = Keys.DefaultKey,
            Folder = ChatPage.FolderIn(Local.Terminal.CosmoScript.Root),
        },
        cancellationToken);

    /// <summary>Replaces the model's faults; see the emulator's README.</summary>
    public Task FaultAsync(string faults) => ControlAsync(HttpMethod.Put, new Uri(OpenAI.Url, "/emulator/faults"), faults);

    /// <summary>Replaces the faults of the tools' back ends.</summary>
    public Task FaultBackendsAsync(string faults) => ControlAsync(HttpMethod.Put, new Uri(Backends.Url, "/emulator/faults"), faults);

    /// <summary>Replaces what is wrong with Web PubSub.</summary>
    public Task FaultWebPubSubAsync(string faults) => ControlAsync(HttpMethod.Put, new Uri(WebPubSub.Url, "/emulator/faults"), faults);

    /// <summary>Takes back what a test has told the emulators to do, and takes away what it left in the dead-letter queue.</summary>
    public async Task ResetAsync()
    {
        await FaultAsync("[]");
        await ScriptAsync("[]");
        await FaultBackendsAsync("[]");
        await FaultWebPubSubAsync("{}");
        await Queue.PurgeDeadLettersAsync();
    }

    /// <summary>Breaks every connection of a browser.</summary>
    public Task DropSocketsAsync() => ControlAsync(HttpMethod.Delete, new Uri(WebPubSub.Url, "/emulator/sockets"), "");

    /// <summary>Replaces the model's scripted answers.</summary>
    public Task ScriptAsync(string answers) => ControlAsync(HttpMethod.Put, new Uri(OpenAI.Url, "/emulator/script"), answers);

    /// <summary>The requests for a response whose question contains this text, oldest first.</summary>
    public async Task<IReadOnlyList<JsonNode>> RequestsAsync(string userText) =>
        [.. (await RequestsAsync()).Where(request => request["userText"]?.GetValue<string>().Contains(userText) == true)];

    /// <summary>All requests to the model's service, oldest first.</summary>
    public async Task<IReadOnlyList<JsonNode>> RequestsAsync()
    {
        using var http = new HttpClient();
        var log = JsonNode.Parse(await http.GetStringAsync(new Uri(OpenAI.Url, "/emulator/requests")))!;
        return [.. log["requests"]!.AsArray().Select(request => request!)];
    }

    /// <summary>Waits until the model's service was asked for something whose address holds this text.</summary>
    public async Task RequestedAsync(string path, CancellationToken cancellationToken)
    {
        while (!(await RequestsAsync()).Any(request => request["path"]!.GetValue<string>().Contains(path, StringComparison.Ordinal)))
        {
            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>The items of a conversation at the model's service, oldest first.</summary>
    public async Task<IReadOnlyList<JsonNode>> ItemsAsync(string threadId)
    {
        using var http = new HttpClient();
        var items = new List<JsonNode>();
        for (string? after = ""; after is not null;)
        {
            var page = JsonNode.Parse(await http.GetStringAsync(new Uri(OpenAI.Url, $"/emulator/conversations/{threadId}/items?limit=100&order=asc{after}")))!;
            items.AddRange(page["data"]!.AsArray().Select(item => item!));
            after = page["has_more"]!.GetValue<bool>() ? $"&after={items[^1]["id"]}" : null;
        }

        return items;
    }

    /// <summary>The user's questions in a conversation, oldest first.</summary>
    public async Task<IReadOnlyList<string>> QuestionsAsync(string threadId) =>
    [
        .. (await ItemsAsync(threadId))
            .Where(item => item["type"]!.GetValue<string>() == "message" && item["role"]!.GetValue<string>() == "user")
            .Select(item => item["content"]![0]!["text"]!.GetValue<string>()),
    ];

    /// <summary>The calls in a conversation that have no output.</summary>
    public async Task<IReadOnlyList<string>> UnansweredCallsAsync(string threadId)
    {
        var items = await ItemsAsync(threadId);
        return [.. CallIds(items, "function_call").Except(CallIds(items, "function_call_output"))];
    }

    /// <summary>All that the Durable store keeps of an orchestration, as its management API tells it.</summary>
    public Task<string> HistoryAsync(string instanceId, CancellationToken cancellationToken) =>
        Http.GetStringAsync(ManagementOf($"instances/{instanceId}?showInput=true&showHistory=true&showHistoryOutput=true"), cancellationToken);

    /// <summary>Calls the management API of Durable Functions.</summary>
    public async Task<HttpStatusCode> ManageAsync(HttpMethod method, string address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, ManagementOf(address))
        {
            Content = method == HttpMethod.Post ? new StringContent("null", null, "application/json") : null,
        };
        using var answer = await Http.SendAsync(request, cancellationToken);
        return answer.StatusCode;
    }

    /// <summary>Runs a function that a timer would start.</summary>
    public async Task RunFunctionAsync(string function, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(new { input = "" });
        using var answer = await Http.PostAsync(new Uri(Http.BaseAddress!, $"/admin/functions/{function}"), content, cancellationToken);
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
    }

    private Uri ManagementOf(string address) =>
        new(Http.BaseAddress!, $"/runtime/webhooks/durabletask/{address}{(address.Contains('?') ? '&' : '?')}code={Uri.EscapeDataString(Keys.SystemKey)}");

    /// <summary>How many Durable actions an orchestration has taken that has ended.</summary>
    public int ActionsOf(string instanceId)
    {
        using var session = new SqliteSession(Path.Combine(_folder, "durable.db"), Synchronous.Normal);
        var id = Instances.Find(session, instanceId)!.Value.Id;
        return DurableActions.Count(Instances.History(session, id).SelectMany(HistoryText.Read));
    }

    /// <summary>Opens a channel as a browser does: by negotiation.</summary>
    public async Task<ChatClient> OpenAsync(string channel, string query = "")
    {
        using var answer = await Http.PostAsync($"channels/{RouteName.Write(channel)}/negotiate{query}", null);
        answer.EnsureSuccessStatusCode();
        var url = (await answer.Content.ReadFromJsonAsync<JsonObject>())!["url"]!.GetValue<string>();
        return await ChatClient.ConnectAsync(new Uri(url));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var running in _running)
        {
            await EndAsync(running);
        }

        Http.Dispose();
        SecondHttp.Dispose();
        await WebPubSub.DisposeAsync();
        await OpenAI.DisposeAsync();
        await Backends.DisposeAsync();
        await Queue.DisposeAsync();
        await _redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task EndAsync(IRunningFunctions running)
    {
        await running.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(running.Output);
    }

    private static IEnumerable<string> CallIds(IEnumerable<JsonNode> items, string type) =>
        items.Where(item => item["type"]!.GetValue<string>() == type).Select(item => item["call_id"]!.GetValue<string>());

    private static async Task ControlAsync(HttpMethod method, Uri address, string body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, address) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    private void Configure(IReadOnlyDictionary<string, string> settings)
    {
        _settings["RABBITMQ_URL"] = CosmoQueue.Url;
        _settings["EXCHANGE_NAME"] = Queue.Exchange;
        _settings["QUEUE_NAME"] = Queue.Queue;
        _settings["ROUTING_KEY"] = CosmoQueue.RoutingKey;
        _settings["REDIS_URL"] = TestRedis.Url;
        _settings["REDIS_PREFIX"] = RedisPrefix;
        _settings["WEB_PUBSUB_CONNECTION_STRING"] = $"Endpoint={WebPubSub.Url.GetLeftPart(UriPartial.Authority)};AccessKey={AccessKey};Version=1.0;";
        _settings["WEB_PUBSUB_HUB"] = "cosmo";
        _settings["CLIENT_MESSAGES"] = "anyone";
        foreach (var schedule in (string[])["THREAD_PRUNING_SCHEDULE", "THREAD_INDEXING_SCHEDULE", "HISTORY_PURGING_SCHEDULE"])
        {
            _settings[schedule] = "0 0 0 1 1 *";
        }

        // At the start it reads every key of a Redis that all tests share; the operators' tests switch it on.
        _settings[NoIndexing] = "true";
        _settings["OPENAI_BASE_URL"] = new Uri(OpenAI.Url, "/v1").AbsoluteUri;
        _settings["OPENAI_API_KEY"] = "test";
        _settings["OPENWEATHER_BASE_URL"] = Backends.Url.GetLeftPart(UriPartial.Authority);
        _settings["OPENWEATHER_API_KEY"] = "test";
        _settings["AUDIT_API_URL"] = new Uri(Backends.Url, "/audit").AbsoluteUri;
        _settings["USER_ROLE_API_URL"] = new Uri(Backends.Url, "/users").AbsoluteUri;
        _settings["X_API_KEY"] = "test";
        foreach (var (name, value) in settings)
        {
            _settings[name] = value;
        }
    }
}
