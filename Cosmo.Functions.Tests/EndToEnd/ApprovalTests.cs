using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A tool that changes something waits for a person, through the whole app.</summary>
public sealed class ApprovalTests(ApprovalTests.Fixture fixture) : IClassFixture<ApprovalTests.Fixture>, IAsyncLifetime
{
    private readonly CosmoStack _stack = fixture.Stack;
    private readonly ConcurrentQueue<string> _notes = fixture.Notes;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _notes.Clear();
        await _stack.ScriptAsync("""[{"userText": "note", "calls": [{"name": "add_note", "arguments": {"text": "Buy \"milk\""}}]}, {"userText": "note", "text": "So be it."}]""");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_call_waits_over_a_restart_for_another_tab_to_approve_it_and_is_made_once_as_it_was_shown()
    {
        using var tab = await OpenAsync("c1", "ana");
        await AskAsync("c1", "m1", "Add a note.");
        var asked = (await tab.UntilAsync(IsAwaiting))["tool"]!;
        await AskAsync("c1", "m2", "Hello");
        await _stack.KillAsync();
        await _stack.StartFunctionsAsync();
        _notes.ShouldBeEmpty();
        using var stranger = await EventSocket.ConnectAsync(await UrlAsync("c1/negotiate", null));
        using var otherTab = await OpenAsync("c1", "ana");

        await DecideAsync(stranger, asked, approved: true);
        (await stranger.UntilAsync(payload => payload["error_details"] is not null))["message"]!.GetValue<string>().ShouldBe("Please sign in to approve.");
        await DecideAsync(otherTab, asked, approved: true);
        var final = await tab.UntilAsync(payload => payload["final_message"]!.GetValue<bool>());
        await DecideAsync(otherTab, asked, approved: false);
        (await otherTab.UntilAsync(payload => payload["error_details"] is not null))["message"]!.GetValue<string>().ShouldBe("It was decided already, or it is too late.");

        (asked["name"]!.GetValue<string>(), asked["arguments"]!.ToJsonString()).ShouldBe(("add_note", """{"text":"Buy \u0022milk\u0022"}"""));
        asked["expires_at"]!.GetValue<DateTimeOffset>().ShouldBeInRange(DateTimeOffset.UtcNow + TimeSpan.FromMinutes(5), DateTimeOffset.UtcNow + TimeSpan.FromMinutes(10));
        JsonNode.DeepEquals(JsonNode.Parse(_notes.ShouldHaveSingleItem()), JsonNode.Parse("""{"text":"Buy \"milk\""}""")).ShouldBeTrue();
        (final["message_id"]!.GetValue<string>(), final["message"]!.GetValue<string>()).ShouldBe(("m1", "So be it."));
        (await tab.UntilAsync(payload => payload["message_id"]!.GetValue<string>() == "m2" && payload["final_message"]!.GetValue<bool>()))["status"]!.GetValue<string>().ShouldBe("completed");
        (await ToolStatesAsync("c1")).ShouldBe(["awaiting_approval", "running", "done"]);
    }

    [Fact]
    public async Task A_refusal_over_HTTP_is_the_calls_output_and_only_the_first_decision_counts()
    {
        using var tab = await OpenAsync("c2", "ana");
        await AskAsync("c2", "m1", "Add a note.");
        var call = (await tab.UntilAsync(IsAwaiting))["tool"]!["call_id"]!.GetValue<string>();

        (await PostAsync($"m1/approvals/{call}", """{"approved": false}""", signedIn: false)).ShouldBe(HttpStatusCode.Unauthorized);
        (await PostAsync($"m1/approvals/{call}", """{"approved": "no"}""")).ShouldBe(HttpStatusCode.BadRequest);
        (await PostAsync("m1/approvals/call_other", """{"approved": false}""")).ShouldBe(HttpStatusCode.NotFound);
        (await PostAsync($"m1/approvals/{call}", """{"approved": false, "reason": "Too expensive."}""", signedIn: false, await TokenAsync("c1", "ana"))).ShouldBe(HttpStatusCode.Forbidden);
        (await PostAsync($"m1/approvals/{call}", """{"approved": false, "reason": "Too expensive."}""", signedIn: false, await TokenAsync("c2", "ana"))).ShouldBe(HttpStatusCode.Accepted);
        (await PostAsync($"m1/approvals/{call}", """{"approved": true}""")).ShouldBe(HttpStatusCode.Conflict);
        var final = await tab.UntilAsync(payload => payload["final_message"]!.GetValue<bool>());

        final["message"]!.GetValue<string>().ShouldBe("So be it.");
        (await PostAsync($"m1/approvals/{call}", """{"approved": true}""")).ShouldBe(HttpStatusCode.Conflict);
        (await _stack.ItemsAsync(final["thread_id"]!.GetValue<string>())).Single(item => item["type"]!.GetValue<string>() == "function_call_output")["output"]!.GetValue<string>()
            .ShouldBe("""{"error":"A person refused this, so it was not carried out. Tell the user so.","reason":"Too expensive."}""");
        _notes.ShouldBeEmpty();
        (await ToolStatesAsync("c2")).ShouldBe(["awaiting_approval", "refused"]);
        _stack.Output.ShouldNotContain("Too expensive.");
    }

    [Fact]
    public async Task What_waits_for_a_person_is_cancelled_at_once_and_cannot_be_approved_any_more()
    {
        using var tab = await OpenAsync("c3", "ana");
        await AskAsync("c3", "m1", "Add a note.");
        var asked = (await tab.UntilAsync(IsAwaiting))["tool"]!;

        await tab.SendAsync("cancel", new JsonObject { ["message_id"] = "m1" });
        var final = await tab.UntilAsync(payload => payload["final_message"]!.GetValue<bool>());
        await DecideAsync(tab, asked, approved: true);

        final["status"]!.GetValue<string>().ShouldBe("cancelled");
        (await tab.UntilAsync(payload => payload["error_details"] is not null))["message"]!.GetValue<string>().ShouldBe("It was decided already, or it is too late.");
        _notes.ShouldBeEmpty();
        (await ToolStatesAsync("c3")).ShouldBe(["awaiting_approval", "refused"]);
        await AskAsync("c3", "m2", "Hello");
        (await tab.UntilAsync(payload => payload["message_id"]?.GetValue<string>() == "m2" && payload["final_message"]!.GetValue<bool>()))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task A_stranger_is_not_offered_what_needs_approval()
    {
        await using var client = await _stack.OpenAsync("c4");
        await _stack.Queue.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { channel = "c4", message_id = "m1", message = "Add a note of a stranger.", user = new { roles = Array.Empty<string>() } }));

        await client.FinalAsync("m1");

        (await _stack.RequestsAsync("note of a stranger"))[0]["tools"]!.AsArray().Select(tool => tool!.GetValue<string>()).ShouldBe(["get_weather"]);
        _notes.ShouldBeEmpty();
        client.Seen.ShouldNotContain(update => update.ToJsonString().Contains("awaiting_approval"));
    }

    private static bool IsAwaiting(JsonObject payload) => payload["tool"]?["state"]?.GetValue<string>() == "awaiting_approval";

    private static Task DecideAsync(EventSocket socket, JsonNode call, bool approved) => socket.SendAsync(
        "approve", new JsonObject { ["message_id"] = "m1", ["call_id"] = call["call_id"]!.GetValue<string>(), ["approved"] = approved });

    private async Task<EventSocket> OpenAsync(string channel, string user) =>
        await EventSocket.ConnectAsync(await UrlAsync($"{channel}/tokens", new JsonObject { ["user"] = new JsonObject { ["id"] = user } }.ToJsonString()));

    private async Task<string> UrlAsync(string route, string? body)
    {
        using var answer = await _stack.Http.PostAsync("channels/" + route, body is null ? null : new StringContent(body), Cancellation);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["url"]!.GetValue<string>();
    }

    private async Task<string> TokenAsync(string channel, string user)
    {
        using var answer = await _stack.Http.PostAsJsonAsync($"channels/{channel}/tokens", new { user = new { id = user } }, Cancellation);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation))!["token"]!.GetValue<string>();
    }

    private Task AskAsync(string channel, string id, string text) =>
        _stack.Queue.SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { channel, message_id = id, message = text, user = new { id = "ana" } }));

    private async Task<HttpStatusCode> PostAsync(string route, string body, bool signedIn = true, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "channels/c2/messages/" + route) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in signedIn ? ToolsFixture.Principal() : [])
        {
            request.Headers.Add(name, value);
        }

        if (token is not null)
        {
            request.Headers.Authorization = new("Bearer", token);
        }

        using var answer = await _stack.Http.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    private async Task<IEnumerable<string>> ToolStatesAsync(string channel) =>
        (await _stack.Http.GetFromJsonAsync<JsonObject>($"channels/{channel}/updates", Cancellation))!["updates"]!.AsArray()
            .Select(update => update!["payload"]!["tool"]?["state"]?.GetValue<string>()).OfType<string>();

    /// <summary>A stack with a tool that adds a note, and the notes.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private const string AddNote = """
            { "name": "add_note", "description": "Adds a note.",
              "parameters": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"], "additionalProperties": false },
              "http": { "method": "POST", "url": "%NOTES_URL%/notes", "body": { "text": "{text}" } },
              "allow_private": true, "approval": true }
            """;

        private readonly DirectoryInfo _tools = Directory.CreateTempSubdirectory("cosmo-tools-");
        private HttpStub _server = null!;

        internal CosmoStack Stack { get; private set; } = null!;

        internal ConcurrentQueue<string> Notes { get; } = new();

        public async ValueTask InitializeAsync()
        {
            await File.WriteAllTextAsync(Path.Combine(_tools.FullName, "add_note.json"), AddNote);
            _server = await HttpStub.StartAsync(async context =>
            {
                using var reader = new StreamReader(context.Request.Body);
                Notes.Enqueue(await reader.ReadToEndAsync(context.RequestAborted));
                await context.Response.WriteAsync("""{"id":1}""");
            });
            Stack = await CosmoStack.CreateAsync(CosmoStack.Patient, inOwnProcess: true);
            Stack.Set("TOOLS_PATH", _tools.FullName);
            Stack.Set("NOTES_URL", _server.Url.ToString().TrimEnd('/'));
            Stack.Set("WEBSITE_AUTH_ENABLED", "True");
            await Stack.StartFunctionsAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Stack.DisposeAsync();
            await _server.DisposeAsync();
            _tools.Delete(recursive: true);
        }
    }
}
