using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Host;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>The app of the folder Apps under a host of its own, with what a test asks of it.</summary>
[SuppressMessage("Maintainability", "CA1515", Justification = "A fixture is public.")]
public sealed class HostedApp : IAsyncLifetime
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private readonly (string Name, string Value)[] _settings;
    private readonly TimeProvider _time;
    private FunctionsHost? _host;
    private string? _masterKey;

    public HostedApp()
        : this(TimeProvider.System)
    {
    }

    internal HostedApp(TimeProvider time, params (string Name, string Value)[] settings)
    {
        _time = time;
        _settings = settings;
    }

    /// <summary>The build output of the app.</summary>
    public static string AppFolder { get; } =
        typeof(HostedApp).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "HostedApp").Value!;

    /// <summary>The data folder of the host, with room for what tests and functions tell each other by files.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("cosmo-host-").FullName;

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

    internal FunctionsHost Host => _host!;

    internal RecordedLogs Logs { get; } = new();

    public async ValueTask InitializeAsync()
    {
        _host = await FunctionsHost.StartAsync(Options());
        Client.BaseAddress ??= _host.Url;
        _masterKey = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, "keys.json")))!["masterKey"]!.ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Client.Dispose();
        Logs.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    public async Task StopAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    /// <summary>Starts the host again after a stop, on the same data and port.</summary>
    public async Task StartAgainAsync() => _host = await FunctionsHost.StartAsync(Options() with { Port = Client.BaseAddress!.Port });

    internal FunctionsHostOptions Options() => new()
    {
        AppFolder = AppFolder,
        Settings = new ConfigurationBuilder().AddInMemoryCollection(_settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value)).Build(),
        DataFolder = Folder,
        Time = _time,
        ConfigureLogging = logging => logging.AddProvider(Logs),
    };

    /// <summary>Kills the worker, once there is one, and returns when the host knows.</summary>
    public async Task KillWorkerAsync()
    {
        using var worker = Process.GetProcessById(await WorkerAsync());
        worker.Kill();
        await worker.WaitForExitAsync();

        // The system tells its parent a moment later.
        while (Host.WorkerProcessId == worker.Id)
        {
            await Task.Delay(5);
        }
    }

    /// <summary>A path for a file that the test and a function share.</summary>
    public string NewPath() => Path.Combine(Folder, Guid.NewGuid().ToString("n"));

    /// <summary>Waits for a file that a function makes.</summary>
    public static async Task WaitForFileAsync(string path)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!File.Exists(path))
        {
            await Task.Delay(20, limit.Token);
        }
    }

    /// <returns>The instance id.</returns>
    public async Task<string> BeginAsync(string orchestration, object? input = null)
    {
        using var response = await Client.PostAsJsonAsync($"api/start/{orchestration}", input, Json);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>The same, but by the host alone: the worker may die before it could answer.</summary>
    public async Task<string> BeginByHostAsync(string orchestration, object input)
    {
        using var response = await Client.PostAsJsonAsync($"runtime/webhooks/durabletask/orchestrators/{orchestration}?code={_masterKey}", input, Json);
        response.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["id"]!.ToString();
    }

    /// <summary>Starts an orchestration and gives its output.</summary>
    public async Task<JsonNode?> RunAsync(string orchestration, object? input = null)
    {
        var ended = await EndAsync(await BeginAsync(orchestration, input));
        ended.Status.ShouldBe("Completed", ended.Output?.ToJsonString());
        return ended.Output;
    }

    public async Task ManageAsync(string instance, string operation)
    {
        using var response = await Client.PostAsync($"api/manage/{instance}/{operation}", null);
        response.StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    /// <summary>Waits for the end of an orchestration. It asks the host and not the app, whose worker may die meanwhile.</summary>
    public async Task<(string Status, JsonNode? Output)> EndAsync(string instance) =>
        await StateAsync(instance, status => status is "Completed" or "Failed" or "Terminated");

    /// <summary>Waits until an orchestration is in a state.</summary>
    public async Task<(string Status, JsonNode? Output)> StateAsync(string instance, Func<string, bool> isAsked)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var state = JsonNode.Parse(await Client.GetStringAsync($"runtime/webhooks/durabletask/instances/{instance}?code={_masterKey}", limit.Token))!;
            if (isAsked(state["runtimeStatus"]!.ToString()))
            {
                return (state["runtimeStatus"]!.ToString(), state["output"]);
            }

            await Task.Delay(20, limit.Token);
        }
    }

    private async Task<int> WorkerAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (Host.WorkerProcessId is { } worker)
            {
                return worker;
            }

            await Task.Delay(20, limit.Token);
        }
    }
}
