using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A stack with all its tools, shared by tests that each have their own channel.</summary>
public class ToolsFixture : CosmoFixture
{
    protected override Dictionary<string, string> Settings => new(WorkerGauge.SettingsAt(GaugePath)) { ["Cosmo:Conversations:MaxWaiting"] = "100" };

    /// <summary>Where the worker's <see cref="WorkerGauge"/> answers.</summary>
    internal string GaugePath { get; } = Path.Combine(Path.GetTempPath(), $"cosmo-gauge-{Guid.NewGuid():n}");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(GaugePath);
        GC.SuppressFinalize(this);
    }

    /// <summary>The headers with which App Service authentication says who calls.</summary>
    internal static (string Name, string Value)[] Principal(params string[] roles)
    {
        var principal = new { auth_typ = "aad", claims = roles.Select(role => new { typ = "roles", val = role }) };
        return [("X-MS-CLIENT-PRINCIPAL", Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(principal))), ("X-MS-CLIENT-PRINCIPAL-ID", "u-1")];
    }

    /// <summary>Opens a channel as a browser whose request has these headers, the master key among them, which says nothing.</summary>
    internal Task<ChatClient> OpenAsync(string channel, params (string Name, string Value)[] headers) => OpenAsync($"channels/{channel}/negotiate", null, headers);

    /// <summary>Opens a channel with the address that a host application's back end asked for on behalf of its user.</summary>
    internal Task<ChatClient> OpenForAsync(string channel, string user) =>
        OpenAsync($"channels/{channel}/tokens", new StringContent($$"""{"user": {{user}}}""", Encoding.UTF8, "application/json"), []);

    private async Task<ChatClient> OpenAsync(string route, HttpContent? content, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, route) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var answer = await Stack.Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return await ChatClient.ConnectAsync(new Uri((await answer.Content.ReadFromJsonAsync<JsonObject>())!["url"]!.GetValue<string>()));
    }

    /// <summary>A message of a producer, with whatever it says of the user; by default nothing.</summary>
    internal Task SendAsync(string channel, string message, string? user = null)
    {
        var body = new JsonObject { ["channel"] = channel, ["message_id"] = "m", ["message"] = message };
        if (user is not null)
        {
            body["user"] = JsonNode.Parse(user);
        }

        return Stack.Queue.SendAsync(JsonSerializer.SerializeToUtf8Bytes(body));
    }

    /// <summary>The names of the tools that the model was offered in this thread.</summary>
    internal async Task<string[]> OfferedAsync(JsonObject final)
    {
        using var http = new HttpClient { BaseAddress = Stack.OpenAI.Url };
        var log = JsonNode.Parse(await http.GetStringAsync($"/emulator/requests?conversation={final["thread_id"]}"))!;
        return [.. log["requests"]!.AsArray().SelectMany(request => request!["tools"]?.AsArray() ?? []).Select(tool => tool!.GetValue<string>()).Distinct().Order()];
    }

    /// <summary>What the sources of the tools were asked for, as path and query.</summary>
    internal async Task<string[]> AskedAsync()
    {
        using var http = new HttpClient { BaseAddress = Stack.Backends.Url };
        var log = JsonNode.Parse(await http.GetStringAsync("/emulator/requests"))!;
        return [.. log["requests"]!.AsArray().Select(request => $"{request!["path"]}{request["query"]}")];
    }

    /// <summary>Has the model say this once, whatever it was offered.</summary>
    internal async Task ScriptAsync(string script)
    {
        using var http = new HttpClient { BaseAddress = Stack.OpenAI.Url };
        using var content = new StringContent(script, Encoding.UTF8, "application/json");
        using var answer = await http.PutAsync("/emulator/script", content);
        answer.EnsureSuccessStatusCode();
    }
}

/// <summary>The same behind App Service authentication.</summary>
public sealed class AuthenticatedToolsFixture : ToolsFixture
{
    protected override Dictionary<string, string> Settings => new() { ["WEBSITE_AUTH_ENABLED"] = "True", ["CLIENT_MESSAGES"] = "signed_in" };
}
