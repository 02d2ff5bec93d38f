using System.Net.Http.Json;
using System.Text.Json;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Local.Emulators.WebPubSub;
using Cosmo.Local.Emulators.WebPubSub.Events;

namespace Cosmo.Functions.Tests.Local.WebPubSub;

/// <summary>An emulator of its own for one test, with the app's client and the official clients beside it.</summary>
internal sealed class EmulatedService : IAsyncDisposable
{
    public const string Hub = "cosmo";
    public const string AccessKey = "a-key-for-tests-that-is-not-base64!";

    /// <summary>Group names that a URL cannot hold as they are.</summary>
    public static readonly string[] OddGroups = ["my group/1", "a%2Fb", "a/b", "dots.in.it", "...", "grüße-日本-😀", "?#&+=;:@", ":send"];

    private readonly List<NodeScript> _scripts = [];
    private readonly HttpClient _http;

    private readonly WebPubSubEmulatorOptions _options;

    private EmulatedService(WebPubSubEmulator emulator, WebPubSubEmulatorOptions options)
    {
        _options = options;
        Emulator = emulator;
        Client = new WebPubSubServiceClient(emulator.ConnectionString, Hub);
        _http = new HttpClient { BaseAddress = emulator.Url };
    }

    public WebPubSubEmulator Emulator { get; private set; }

    public WebPubSubServiceClient Client { get; }

    public static async Task<EmulatedService> StartAsync(WebPubSubEventHandler? eventHandler = null, TimeProvider? time = null)
    {
        var options = new WebPubSubEmulatorOptions
        {
            AccessKey = AccessKey,
            EventHandlers = eventHandler is null ? new Dictionary<string, WebPubSubEventHandler>() : new Dictionary<string, WebPubSubEventHandler> { [Hub] = eventHandler },
            TimeProvider = time ?? TimeProvider.System,
        };
        return new(await WebPubSubEmulator.StartAsync(options), options);
    }

    /// <summary>Stops the emulator and starts it again at the same port.</summary>
    public async Task RestartAsync()
    {
        await Emulator.DisposeAsync();
        Emulator = await WebPubSubEmulator.StartAsync(_options with { Url = Emulator.Url });
    }

    public async Task<string> UrlAsync(string? group = null, string? user = null, params string[] roles) =>
        (await Client.GetClientAccessUriAsync(userId: user, roles: roles, groups: group is null ? [] : [group])).AbsoluteUri;

    public async Task<string> UrlAsync(IEnumerable<string> groups) =>
        (await Client.GetClientAccessUriAsync(groups: groups)).AbsoluteUri;

    /// <summary>A raw socket that is open.</summary>
    public async Task<NodeScript> OpenSocketAsync(string url, params string[] subprotocols)
    {
        var socket = await RunAsync("socket.mjs", [url, .. subprotocols]);
        await socket.NextAsync("open");
        return socket;
    }

    /// <summary>The official client, connected.</summary>
    public async Task<NodeScript> ConnectAsync(string url, bool reliable = true, params string[] words)
    {
        var client = await RunAsync("client.mjs", [url, .. words, .. reliable ? (string[])[] : ["json"]]);
        await client.RunAsync("start");
        return client;
    }

    public async Task<NodeScript> RunAsync(string script, params string[] arguments)
    {
        var running = await NodeScript.StartAsync(script, arguments);
        _scripts.Add(running);
        return running;
    }

    public Task<NodeScript> ServerSdkAsync() => RunAsync("server.mjs", Emulator.ConnectionString, Hub);

    public Task SendTextAsync(string group, string text) => Client.SendToGroupAsync(group, text);

    public Task SendJsonAsync(string group, object value) =>
        Client.SendToGroupAsync(group, RequestContent.Create(BinaryData.FromObjectAsJson(value)), ContentType.ApplicationJson);

    public async Task FaultsAsync(object faults) => (await _http.PutAsJsonAsync("emulator/faults", faults)).EnsureSuccessStatusCode();

    public async Task<JsonElement> StatsAsync() => await _http.GetFromJsonAsync<JsonElement>("emulator/stats");

    /// <summary>Cuts every socket off as a broken network does.</summary>
    public async Task DropSocketsAsync() => (await _http.DeleteAsync("emulator/sockets")).EnsureSuccessStatusCode();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Emulator.DisposeAsync();
        foreach (var script in _scripts)
        {
            await script.DisposeAsync();
        }
    }
}
