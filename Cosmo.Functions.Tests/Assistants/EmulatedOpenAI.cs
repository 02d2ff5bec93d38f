using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.Assistants;

/// <summary>The OpenAI emulator at full speed, and its controls.</summary>
internal sealed class EmulatedOpenAI : IAsyncDisposable
{
    private readonly OpenAIEmulator _emulator;
    private readonly HttpClient _controls;

    private EmulatedOpenAI(OpenAIEmulator emulator)
    {
        _emulator = emulator;
        _controls = new HttpClient { BaseAddress = emulator.Url };
    }

    public Uri Url => _emulator.Url;

    public static async Task<EmulatedOpenAI> StartAsync() =>
        new(await OpenAIEmulator.StartAsync(new OpenAIEmulatorOptions { TokenPace = TimeSpan.Zero, FirstTokenDelay = TimeSpan.Zero }));

    public async Task FaultAsync(string faults) =>
        (await _controls.PutAsync("emulator/faults", new StringContent(faults))).EnsureSuccessStatusCode();

    public async Task ScriptAsync(string script) =>
        (await _controls.PutAsync("emulator/script", new StringContent(script))).EnsureSuccessStatusCode();

    /// <summary>How many responses were asked for.</summary>
    public async Task<int> AskedAsync() => (await RequestsAsync()).Count(request =>
        request!["method"]!.GetValue<string>() == "POST" && request["path"]!.GetValue<string>().EndsWith("/responses", StringComparison.Ordinal));

    /// <summary>The requests, once the last response's end is known there.</summary>
    public async Task<JsonArray> RequestsAsync() =>
        (await _controls.GetFromJsonAsync<JsonNode>("emulator/requests"))!["requests"]!.AsArray();

    public async Task<JsonArray> ItemsAsync(string threadId) =>
        (await _controls.GetFromJsonAsync<JsonNode>($"emulator/conversations/{threadId}/items?limit=100&order=asc"))!["data"]!.AsArray();

    public async ValueTask DisposeAsync()
    {
        _controls.Dispose();
        await _emulator.DisposeAsync();
    }
}
