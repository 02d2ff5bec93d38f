using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI;
using OpenAI.Conversations;
using OpenAI.Responses;

namespace Cosmo.Functions.Tests.Local.OpenAI;

/// <summary>An emulator of its own, as fast as possible, with the official clients and its controls.</summary>
public sealed class EmulatorFixture : IAsyncLifetime
{
    private OpenAIEmulator _emulator = null!;

    /// <summary>The clock of the emulator's delays.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public HttpClient Http { get; private set; } = null!;

    public Uri Endpoint => new(Http.BaseAddress!, "v1");

    public ResponsesClient Responses { get; private set; } = null!;

    public ConversationClient Conversations { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _emulator = await OpenAIEmulator.StartAsync(new OpenAIEmulatorOptions { TimeProvider = Clock, TokenPace = TimeSpan.Zero, FirstTokenDelay = TimeSpan.Zero });
        Http = new HttpClient { BaseAddress = _emulator.Url };
        Http.DefaultRequestHeaders.Add("api-key", "test");
        var key = new ApiKeyCredential("test");
        var once = new ClientRetryPolicy(0);
        Responses = new ResponsesClient(key, new ResponsesClientOptions { Endpoint = Endpoint, RetryPolicy = once });
        Conversations = new ConversationClient(key, new ConversationClientOptions { Endpoint = Endpoint, RetryPolicy = once });
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _emulator.DisposeAsync();
    }

    public async Task<string> NewConversationAsync() =>
        (await Conversations.CreateConversationAsync(new ConversationCreationOptions(), TestContext.Current.CancellationToken)).Value.Id;

    public async Task SetAsync(string control, string json)
    {
        using var content = new StringContent(json);
        using var answer = await Http.PutAsync($"emulator/{control}", content, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    public async Task<JsonObject> RequestsAsync(string conversation = "") =>
        (await Http.GetFromJsonAsync<JsonObject>($"emulator/requests?conversation={conversation}", TestContext.Current.CancellationToken))!;

    public async Task<JsonArray> ItemsAsync(string conversation) =>
        (JsonArray)(await Http.GetFromJsonAsync<JsonObject>($"emulator/conversations/{conversation}/items?order=asc&limit=100", TestContext.Current.CancellationToken))!["data"]!;
}
