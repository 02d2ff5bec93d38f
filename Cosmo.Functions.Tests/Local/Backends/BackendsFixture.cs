using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.Backends;

namespace Cosmo.Functions.Tests.Local.Backends;

/// <summary>The back ends on a port of their own, and a client for them.</summary>
public sealed class BackendsFixture : IAsyncLifetime
{
    private BackendsEmulator _emulator = null!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _emulator = await BackendsEmulator.StartAsync(new BackendsEmulatorOptions());
        Http = new HttpClient { BaseAddress = _emulator.Url };
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _emulator.DisposeAsync();
    }

    public async Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(string path, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null)
        {
            request.Headers.Add("x-api-key", key);
        }

        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return (answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken))!);
    }

    public async Task SetFaultsAsync(string json)
    {
        using var content = new StringContent(json);
        using var answer = await Http.PutAsync("emulator/faults", content, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }
}
