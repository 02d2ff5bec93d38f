using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI;

namespace Cosmo.Functions.Tests.Local.OpenAI;

public sealed class EmulatorLimitTests : IAsyncLifetime
{
    private readonly HttpClient _http = new() { DefaultRequestHeaders = { { "Authorization", "Bearer test" } } };

    private OpenAIEmulator _emulator = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _emulator = await OpenAIEmulator.StartAsync(new OpenAIEmulatorOptions
        {
            TokenPace = TimeSpan.Zero,
            FirstTokenDelay = TimeSpan.Zero,
            MaxConversations = 2,
            MaxItems = 6,
            MaxLoggedRequests = 3,
        });
        _http.BaseAddress = _emulator.Url;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _emulator.DisposeAsync();
    }

    [Fact]
    public async Task Beyond_the_limit_the_longest_unused_conversation_is_forgotten()
    {
        var first = await NewConversationAsync();
        var second = await NewConversationAsync();
        (await StatusAsync(first)).ShouldBe(HttpStatusCode.OK);
        await NewConversationAsync();

        (await StatusAsync(first)).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(second)).ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_conversation_drops_its_oldest_turns_and_the_log_its_oldest_requests()
    {
        var conversation = await NewConversationAsync();
        for (var turn = 0; turn < 6; turn++)
        {
            using var answer = await _http.PostAsJsonAsync("v1/responses", new { model = "m", input = $"Hello {turn}", conversation }, Cancel);
            answer.EnsureSuccessStatusCode();
        }

        var items = (await _http.GetFromJsonAsync<JsonObject>($"emulator/conversations/{conversation}/items?order=asc", Cancel))!["data"]!.AsArray();
        items.Count.ShouldBe(6);
        items[0]!["content"]![0]!["text"]!.ToString().ShouldBe("Hello 3");
        (await _http.GetFromJsonAsync<JsonObject>("emulator/requests", Cancel))!["requests"]!.AsArray().Count.ShouldBe(3);
    }

    private async Task<string> NewConversationAsync()
    {
        using var answer = await _http.PostAsJsonAsync("v1/conversations", new { }, Cancel);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["id"]!.ToString();
    }

    private async Task<HttpStatusCode> StatusAsync(string conversation)
    {
        using var answer = await _http.GetAsync($"v1/conversations/{conversation}", Cancel);
        return answer.StatusCode;
    }
}
