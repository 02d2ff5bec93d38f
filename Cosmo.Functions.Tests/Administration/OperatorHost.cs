using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Cosmo.Functions.Tests.EndToEnd;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>Cosmo in processes of its own for tests that each find it as if it had just been started.</summary>
public sealed class OperatorHost : IAsyncLifetime
{
    private CosmoStack _stack = null!;
    private int _heard;

    internal CosmoStack Stack => _stack;

    /// <summary>How the comparison of keys ended that begins at every start.</summary>
    public JsonObject IndexingAtStart { get; private set; } = null!;

    /// <summary>Calls the functions with the master key.</summary>
    public HttpClient Http => _stack.Http;

    /// <summary>Calls the functions without a key.</summary>
    public HttpClient Stranger { get; private set; } = null!;

    public Uri Url => Http.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        _stack = await CosmoStack.StartAsync(new Dictionary<string, string> { [CosmoStack.NoIndexing] = "false" });
        Stranger = new HttpClient { BaseAddress = Url };
        IndexingAtStart = await EndAsync("thread-indexing");
    }

    /// <summary>Forgets everything that earlier tests left: keys, faults, orchestrations, dead letters and log lines.</summary>
    public async Task StartAnewAsync(CancellationToken cancellationToken)
    {
        await _stack.FaultAsync("[]");
        await _stack.ManageAsync(HttpMethod.Delete, "instances?createdTimeFrom=2000-01-01T00:00:00Z&runtimeStatus=Completed,Failed,Terminated", cancellationToken);
        await _stack.Redis.RunAsync(
            async database =>
            {
                var keys = await database.ExecuteAsync("KEYS", _stack.RedisPrefix + "*");
                foreach (var key in (string[])keys!)
                {
                    await database.KeyDeleteAsync(key);
                }

                return true;
            },
            cancellationToken);
        await _stack.Queue.Channel.QueuePurgeAsync(_stack.Queue.FailedQueue, cancellationToken);
        _heard = _stack.Output.Length;
    }

    /// <summary>Waits until a line of this test's holds the text.</summary>
    public async Task LoggedAsync(string text, CancellationToken cancellationToken)
    {
        while (!_stack.Output.AsSpan(_heard).Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(20, cancellationToken);
        }
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

        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text)!.AsObject());
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

    /// <summary>Begins a verb of the terminal, on this deployment. It hears an interrupt also where the tests run in the background.</summary>
    public Process StartVerb(params string[] arguments) => Process.Start(
        new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "Cosmo.Local.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["COSMO_URL"] = Url.AbsoluteUri, ["COSMO_KEY"] = _stack.Keys.MasterKey },
        })!;

    public Task SetAsync(string key, string value) =>
        _stack.Redis.RunAsync(database => database.StringSetAsync(_stack.RedisPrefix + key, value), TestContext.Current.CancellationToken);

    public Task<string?> GetAsync(string key) =>
        _stack.Redis.RunAsync(async database => (string?)await database.StringGetAsync(_stack.RedisPrefix + key), TestContext.Current.CancellationToken);

    public Task<TimeSpan?> TimeToLiveAsync(string key) =>
        _stack.Redis.RunAsync(database => database.KeyTimeToLiveAsync(_stack.RedisPrefix + key), TestContext.Current.CancellationToken);

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
        Stranger.Dispose();
        await _stack.DisposeAsync();
    }
}
