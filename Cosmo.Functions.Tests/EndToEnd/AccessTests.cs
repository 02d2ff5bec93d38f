using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Access;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Access;
using Cosmo.Functions.Tests.Local.Terminal;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.Tokens;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Every function for every caller, against the table of docs/access.md, where channels have owners.</summary>
public sealed partial class AccessTests(AccessTests.Fixture fixture) : IClassFixture<AccessTests.Fixture>
{
    private static readonly string Page = File.ReadAllText(Path.Combine(CosmoScript.Root, "docs", "access.md"));

    private readonly string _channel = $"c-{Guid.NewGuid():n}";

    public static TheoryData<string, string, string[]> Rows => [.. ReadRows().Select(row => new TheoryDataRow<string, string, string[]>(row.Function, row.Route, row.Cells))];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private CosmoStack Stack => fixture.Stack;

    [Fact]
    public void Every_function_has_its_row_and_there_is_no_other()
    {
        var document = JsonNode.Parse(File.ReadAllText(Path.Combine(CosmoScript.Root, "docs", "openapi.json")))!;
        var functions =
            from path in document["paths"]!.AsObject()
            from method in path.Value!.AsObject()
            select $"{method.Value!["operationId"]} {method.Key.ToUpperInvariant()} {path.Key[1..]}";

        ReadRows().Select(row => $"{row.Function} {row.Route}").ShouldBe(functions, ignoreOrder: true);
        ReadRows().ShouldAllBe(row => row.Cells.Length == 8);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Each_caller_gets_what_the_table_says(string function, string route, string[] cells)
    {
        var isOpenToClients = AppFunctions.Http.Single(one => one.Name == function).Level == "anonymous";
        var channel = function == "CreateToken" ? Fixture.OwnedByBackend : Fixture.Owned;

        (await AskAsync(function, route, channel)).ShouldBe(cells[0], "stranger");
        (await AskAsync(function, route, _channel, token: fixture.TokenOf("eve"))).ShouldBe(cells[1], "signed in");
        (await AskAsync(function, route, channel, token: fixture.TokenOf("ana"))).ShouldBe(cells[2], "owner");
        (await AskAsync(function, route, channel, token: fixture.TokenOf("eve"))).ShouldBe(cells[3], "other");
        (await AskAsync(function, route, Fixture.OwnedByBackend, token: await fixture.BackendTokenAsync(Fixture.OwnedByBackend))).ShouldBe(cells[4], "back end's user");
        (await AskAsync(function, route, channel, key: Stack.Keys.DefaultKey)).ShouldBe(cells[5], "back end");
        (await AskAsync(function, route, channel, key: Stack.Keys.MasterKey)).ShouldBe(cells[6], "operator");
        if (isOpenToClients)
        {
            foreach (var key in (string[])[Stack.Keys.MasterKey, Stack.Keys.DefaultKey, Stack.Keys.SystemKey, "nonsense"])
            {
                (await AskAsync(function, route, channel, code: key)).ShouldBe(cells[7], "key in the address");
            }
        }
        else
        {
            cells[7].ShouldBe("-");
        }
    }

    [Fact]
    public async Task Web_PubSubs_events_come_in_with_the_token_of_its_identity_and_no_key()
    {
        var user = new ConnectionIdentity(_channel, new Caller("ana", []), SignedInUser.Backend, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5)).ToUserId();
        async Task<HttpStatusCode> TellAsync(string? token, string messageId)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "webpubsub/entra-events") { Content = JsonContent.Create(new { message_id = messageId, message = "Hello" }) };
            request.Headers.Authorization = token is null ? null : new("Bearer", token);
            request.Headers.Add("ce-type", "azure.webpubsub.user.message");
            request.Headers.Add("ce-userId", user);
            using var answer = await fixture.Stranger.SendAsync(request, Cancellation);
            return answer.StatusCode;
        }

        await fixture.SetOwnerAsync(_channel, """{"id": "ana", "issuer": "backend"}""");
        (await TellAsync(null, "m1")).ShouldBe(HttpStatusCode.Unauthorized);
        (await TellAsync(fixture.TokenOfEvents("another"), "m2")).ShouldBe(HttpStatusCode.Unauthorized);
        (await TellAsync(fixture.TokenOfEvents("web-pubsub"), "m3")).ShouldBe(HttpStatusCode.NoContent);

        await fixture.FinalAsync(_channel, "m3");
        var updates = await Stack.Http.GetStringAsync($"operator/channels/{_channel}/updates", Cancellation);
        updates.ShouldNotContain("\"m1\"");
        updates.ShouldNotContain("\"m2\"");
    }

    [Fact]
    public async Task A_back_end_gets_no_address_of_anothers_channel()
    {
        using var answer = await Stack.Http.PostAsJsonAsync($"channels/{Fixture.OwnedByBackend}/tokens", new { user = new { id = "eve" } }, Cancellation);
        answer.StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        using var other = await Stack.Http.PostAsJsonAsync($"channels/{Fixture.Owned}/tokens", new { user = new { id = "ana" } }, Cancellation);
        other.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_back_ends_user_is_in_one_channel_alone_until_it_has_another_owner()
    {
        var token = await fixture.BackendTokenAsync(_channel);
        (await AskAsync("GetUpdates", "GET channels/{channel}/updates", _channel, token: token)).ShouldBe("yes");
        (await AskAsync("GetUpdates", "GET channels/{channel}/updates", Fixture.OwnedByBackend, token: token)).ShouldBe("403");
        (await AskAsync("Negotiate", "POST channels/{channel}/negotiate", Fixture.OwnedByBackend, token: token)).ShouldBe("403");
        (await AskAsync("GetUpdates", "GET channels/{channel}/updates", _channel, token: token[..^1])).ShouldBe("401");

        await fixture.SetOwnerAsync(_channel, """{"id": "eve", "issuer": "backend"}""");

        (await AskAsync("GetUpdates", "GET channels/{channel}/updates", _channel, token: token)).ShouldBe("403");
        (await AskAsync("Negotiate", "POST channels/{channel}/negotiate", _channel, token: token)).ShouldBe("403");
        Stack.Output.ShouldNotContain(token);
    }

    [Fact]
    public async Task A_back_ends_user_cancels_reads_what_was_said_says_what_is_thought_of_it_and_listens_on()
    {
        var token = await fixture.BackendTokenAsync(_channel);
        await using var client = await ChatClient.ConnectAsync((await NegotiateAsync(_channel, token)).Url);
        await client.SendAsync(new JsonObject { ["message_id"] = "m1", ["message"] = "Hello" });
        await client.FinalAsync("m1");

        using var messages = await AsUserAsync(HttpMethod.Get, "messages", token);
        var said = await messages.Content.ReadFromJsonAsync<JsonObject>(Cancellation);
        using var feedback = await AsUserAsync(HttpMethod.Post, "messages/m1/feedback", token, JsonContent.Create(new { rating = "up" }));
        using var cancel = await AsUserAsync(HttpMethod.Post, "messages/m1/cancel", token);

        said!["messages"]!.AsArray().Select(message => message!["role"]!.GetValue<string>()).ShouldBe(["assistant", "user"]);
        (feedback.StatusCode, cancel.StatusCode).ShouldBe((HttpStatusCode.NoContent, HttpStatusCode.Conflict));
        var given = (await Stack.Http.GetFromJsonAsync<JsonObject>("feedback", Cancellation))!["feedback"]!.AsArray().Single(one => one!["channel"]!.GetValue<string>() == _channel)!;
        given["user"]!.GetValue<string>().ShouldBe("backend:ana");
    }

    [Fact]
    public async Task The_address_lives_no_longer_than_the_token_that_signed_the_user_in()
    {
        var (url, until) = await NegotiateAsync(_channel, fixture.TokenOf("ana", minutes: 5));

        (until - TimeProvider.System.GetUtcNow()).ShouldBeInRange(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(6.1));
        url.Query.ShouldContain("access_token");
    }

    [Fact]
    public async Task A_channel_that_another_owns_by_now_is_closed_to_who_had_it_for_the_time_being()
    {
        var (url, _) = await NegotiateAsync(_channel, fixture.TokenOf("ana"));
        await using var before = await ChatClient.ConnectAsync(url);
        await before.SendAsync(new JsonObject { ["message_id"] = "m1", ["message"] = "Hello" });
        await before.FinalAsync("m1");

        await SendAsync("m2", "Hello", "eve");
        await fixture.FinalAsync(_channel, "m2");
        await using var after = await ChatClient.ConnectAsync((await NegotiateAsync(_channel, fixture.TokenOf("eve"))).Url);
        await before.SendAsync(new JsonObject { ["message_id"] = "m3", ["message"] = "Hello" });
        var refused = await before.FinalAsync("m3");

        refused["message"]!.GetValue<string>().ShouldBe("This conversation belongs to somebody else.");
        before.Rest().ShouldNotContain(update => update["payload"]!["message_id"]!.GetValue<string>() == "m2");
        (await AskAsync("Negotiate", "POST channels/{channel}/negotiate", _channel, token: fixture.TokenOf("ana"))).ShouldBe("403");
        (await AskAsync("GetUpdates", "GET channels/{channel}/updates", _channel, token: fixture.TokenOf("ana"))).ShouldBe("403");

        // The address from before still opens a connection, but not for long the group.
        await using var again = await ChatClient.ConnectAsync(url);
        await UntilAloneAsync("eve");
        await SendAsync("m4", "Hello", "eve");
        await after.FinalAsync("m4");
        again.Rest().ShouldNotContain(update => update["payload"]!["message_id"]!.GetValue<string>() == "m4");
    }

    [Fact]
    public async Task A_deleted_channel_is_nobodys_and_who_had_it_hears_nothing_of_what_comes_next()
    {
        var (url, _) = await NegotiateAsync(_channel, fixture.TokenOf("ana"));
        await using var before = await ChatClient.ConnectAsync(url);
        await SendAsync("m1", "Hello", "ana");
        await before.FinalAsync("m1");
        (await Stack.Http.DeleteAsync($"threads/{_channel}?confirm=DELETE", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await using var after = await ChatClient.ConnectAsync((await NegotiateAsync(_channel, fixture.TokenOf("eve"))).Url);
        await SendAsync("m2", "Hello", "eve");
        await after.FinalAsync("m2");

        before.Rest().ShouldNotContain(update => update["payload"]!["message_id"]!.GetValue<string>() == "m2");
    }

    [Fact]
    public async Task A_channel_with_a_thread_alone_opens_when_an_operator_names_its_owner()
    {
        var made = await (await Stack.Http.PostAsync("channels", null, Cancellation)).Content.ReadFromJsonAsync<JsonObject>(Cancellation);
        var channel = made!["channel"]!.GetValue<string>();
        (await AskAsync("Negotiate", "POST channels/{channel}/negotiate", channel, token: fixture.TokenOf("ana"))).ShouldBe("403");

        await fixture.SetOwnerAsync(channel, """{"id": "ana"}""");

        (await AskAsync("Negotiate", "POST channels/{channel}/negotiate", channel, token: fixture.TokenOf("ana"))).ShouldBe("yes");
    }

    [Fact]
    public async Task The_chat_page_of_one_machine_opens_a_channel_for_its_sample_user()
    {
        (await fixture.OpenOnPageAsync(_channel)).ShouldBe(HttpStatusCode.OK);
        (await fixture.OpenOnPageAsync(Fixture.Owned)).ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_mode_that_is_none_stops_the_start_with_a_sentence()
    {
        await using var stack = await CosmoStack.CreateAsync(new Dictionary<string, string> { ["CHANNEL_ACCESS"] = "everybody" });

        await stack.TryFunctionsAsync(Cancellation);

        await stack.WroteAsync("Cosmo:Access:Mode (CHANNEL_ACCESS) must be open, owner or claim.", Cancellation);
    }

    [Fact]
    public async Task Trials_are_run_with_the_answers_that_operators_read()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllLinesAsync(
            file,
            [
                """{"name": "of a user", "turns": [{"message": "Weather in Makati?", "expect": {"tools": ["get_weather"], "arguments": {"city": "Makati"}, "contains": ["Makati"]}}], "user": {"id": "ana"}}""",
                """{"name": "of nobody", "turns": [{"message": "Hello", "expect": {"tools": []}}, {"message": "Weather in Cebu?", "expect": {"contains": ["Cebu"]}}]}""",
            ],
            Cancellation);
        using var terminal = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Cosmo.Local.dll"), "eval", file])
        {
            RedirectStandardOutput = true,
            Environment = { ["COSMO_URL"] = Stack.Http.BaseAddress!.AbsoluteUri, ["COSMO_KEY"] = Stack.Keys.MasterKey },
        })!;

        var output = await terminal.StandardOutput.ReadToEndAsync(Cancellation);
        await terminal.WaitForExitAsync(Cancellation);
        File.Delete(file);

        terminal.ExitCode.ShouldBe(0, output);
        output.ShouldContain("2 of 2 passed.");
    }

    [Fact]
    public async Task An_operator_sends_from_the_terminal_and_reads_the_answer_all_the_same()
    {
        using var terminal = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Cosmo.Local.dll"), "send", Fixture.Owned, "Hello"])
        {
            RedirectStandardOutput = true,
            Environment = { ["COSMO_URL"] = Stack.Http.BaseAddress!.AbsoluteUri, ["COSMO_KEY"] = Stack.Keys.MasterKey },
        })!;

        var output = await terminal.StandardOutput.ReadToEndAsync(Cancellation);
        await terminal.WaitForExitAsync(Cancellation);

        terminal.ExitCode.ShouldBe(0);
        output.Trim().ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"user": "ana"}""")]
    [InlineData("""{"user": {"id": " "}}""")]
    [InlineData("""{"user": {"id": "ana", "issuer": 7}}""")]
    public async Task An_owner_who_is_nobody_is_refused(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await Stack.Http.PutAsync($"operator/channels/{_channel}/owner", content, Cancellation);

        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await answer.Content.ReadAsStringAsync(Cancellation)).ShouldContain("issuer");
    }

    internal static IEnumerable<(string Function, string Route, string[] Cells)> ReadRows() => Row().Matches(Page).Select(row => (
        row.Groups[1].Value, row.Groups[2].Value, row.Groups[3].Value.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    private Task<HttpResponseMessage> AsUserAsync(HttpMethod method, string route, string token, HttpContent? content = null) => fixture.Stranger.SendAsync(
        new HttpRequestMessage(method, $"channels/{_channel}/{route}") { Headers = { Authorization = new("Bearer", token) }, Content = content }, Cancellation);

    private Task<string> AskAsync(string function, string route, string channel, string? token = null, string? key = null, string? code = null) =>
        fixture.AskAsync(function, route, channel, token, key, code);

    private async Task<(Uri Url, DateTimeOffset Until)> NegotiateAsync(string channel, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"channels/{channel}/negotiate") { Headers = { Authorization = new("Bearer", token) } };
        using var answer = await fixture.Stranger.SendAsync(request, Cancellation);
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadFromJsonAsync<JsonObject>(Cancellation);
        return (new Uri(body!["url"]!.GetValue<string>()), body["expires_at"]!.GetValue<DateTimeOffset>());
    }

    private Task SendAsync(string messageId, string message, string user) => Stack.Queue.SendAsync(Encoding.UTF8.GetBytes(
        new JsonObject { ["channel"] = _channel, ["message_id"] = messageId, ["message"] = message, ["user"] = new JsonObject { ["id"] = user } }.ToJsonString()));

    /// <summary>Waits until only connections of this user are in the channel's group.</summary>
    private async Task UntilAloneAsync(string user)
    {
        var service = new WebPubSubServiceClient(Stack.WebPubSub.ConnectionString, "cosmo");
        var isAlone = false;
        while (!isAlone)
        {
            var users = new List<string?>();
            await foreach (var member in service.ListConnectionsInGroupAsync(_channel).WithCancellation(Cancellation))
            {
                users.Add(ConnectionIdentity.FromUserId(member.UserId)?.User.Id);
            }

            isAlone = users.All(one => one == user);
            await Task.Delay(50, Cancellation);
        }
    }

    [GeneratedRegex(@"^\| `(\w+)` \| `([^`]+)` \|(.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    /// <summary>A stack whose channels have owners, and whose users an identity provider signs in.</summary>
    public class Fixture : CosmoFixture
    {
        public const string Owned = "owned";
        public const string OwnedByBackend = "owned-by-backend";

        private TestAuthority _authority = null!;
        private SigningCredentials _key = null!;

        protected virtual string Mode => "owner";

        protected override Dictionary<string, string> Settings => new(_authority.Settings(Mode))
        {
            ["Cosmo:Access:Events:Authority"] = _authority.Url.AbsoluteUri,
            ["Cosmo:Access:Events:Audience"] = "api://events",
            ["Cosmo:Access:Events:Identity"] = "web-pubsub",
        };

        internal HttpClient Stranger { get; private set; } = null!;

        public override async ValueTask InitializeAsync()
        {
            _authority = await TestAuthority.StartAsync();
            _key = _authority.AddRsa("1");
            await base.InitializeAsync();
            Stranger = new HttpClient { BaseAddress = Stack.Http.BaseAddress };
            await SetOwnerAsync(Owned, """{"id": "ana"}""");
            await SetOwnerAsync(OwnedByBackend, """{"id": "ana", "issuer": "backend"}""");
        }

        public override async ValueTask DisposeAsync()
        {
            Stranger.Dispose();
            await base.DisposeAsync();
            await _authority.DisposeAsync();
            GC.SuppressFinalize(this);
        }

        /// <summary>A token of Web PubSub's identity, or of another.</summary>
        internal string TokenOfEvents(string identity) => _authority.Sign(_key, user: null, audience: "api://events", claims: [("oid", identity)]);

        internal string TokenOf(string user, double minutes = 10, params string[] channels) => _authority.Sign(_key, user, minutes, claims: [("cosmo_channels", channels)]);

        /// <summary>The token that a back end is given for its user ana, who may open this channel.</summary>
        internal async Task<string> BackendTokenAsync(string channel)
        {
            using var answer = await Stack.Http.PostAsJsonAsync($"channels/{channel}/tokens", new { user = new { id = "ana", channels = (string[])[channel] } });
            answer.EnsureSuccessStatusCode();
            return (await answer.Content.ReadFromJsonAsync<JsonObject>())!["token"]!.GetValue<string>();
        }

        internal async Task SetOwnerAsync(string channel, string user)
        {
            using var content = new StringContent($$"""{"user": {{user}}}""", Encoding.UTF8, "application/json");
            using var answer = await Stack.Http.PutAsync($"operator/channels/{channel}/owner", content);
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        /// <summary>Opens a channel as the chat page does.</summary>
        internal async Task<HttpStatusCode> OpenOnPageAsync(string channel)
        {
            await using var page = await Stack.StartPageAsync(Cancellation);
            using var browser = new HttpClient { BaseAddress = page.Url };
            using var answer = await browser.PostAsJsonAsync("negotiate", new { name = channel }, Cancellation);
            return answer.StatusCode;
        }

        /// <summary>Waits until the log of a channel has the final update of a message.</summary>
        internal async Task FinalAsync(string channel, string messageId)
        {
            while (true)
            {
                var updates = (await Stack.Http.GetFromJsonAsync<JsonObject>($"operator/channels/{channel}/updates", Cancellation))!["updates"]!.AsArray();
                if (updates.Select(update => update!["payload"]!).Any(update => update["message_id"]!.GetValue<string>() == messageId && update["final_message"]!.GetValue<bool>()))
                {
                    return;
                }

                await Task.Delay(20, Cancellation);
            }
        }

        /// <summary>Calls a function; what it answers as the table has it.</summary>
        internal async Task<string> AskAsync(string function, string route, string channel, string? token = null, string? key = null, string? code = null)
        {
            var (method, path) = route.Split(' ') is [var word, var rest] ? (word, rest) : throw new ArgumentException("It is a method and a path.", nameof(route));
            path = path.Replace("{channel}", channel).Replace("{operation}", "thread-deletion").Replace("{messageId}", "m").Replace("{id}", "1");
            using var request = new HttpRequestMessage(new HttpMethod(method), code is null ? path : $"{path}?code={Uri.EscapeDataString(code)}");
            request.Content = function switch
            {
                "CreateToken" or "SetOwner" => JsonContent.Create(new { user = new { id = "ana", channels = (string[])[channel] } }),
                "SendMessage" => JsonContent.Create(new { message = "Hello" }),
                "RunAgent" => JsonContent.Create(new { threadId = channel, runId = "m", messages = Array.Empty<object>() }),
                _ => null,
            };
            if (token is not null)
            {
                request.Headers.Authorization = new("Bearer", token);
            }

            if (key is not null)
            {
                request.Headers.Add("x-functions-key", key);
            }

            using var answer = await Stranger.SendAsync(request);
            var isOurs = answer.Content.Headers.ContentType?.MediaType == "application/problem+json";
            switch (answer.StatusCode)
            {
                case HttpStatusCode.Unauthorized:
                    isOurs.ShouldBe(AppFunctions.Http.Single(one => one.Name == function).Level == "anonymous", "The host's own has no body.");
                    (answer.Headers.WwwAuthenticate.Count > 0).ShouldBe(isOurs);
                    return "401";
                case HttpStatusCode.Forbidden:
                    isOurs.ShouldBeTrue();
                    return "403";
                default:
                    ((int)answer.StatusCode).ShouldBeLessThan(500);
                    return "yes";
            }
        }
    }
}

/// <summary>The rows of the table whose functions are open to clients, where access goes by claims, and the host application has a word.</summary>
public sealed class ClaimAccessTests(ClaimAccessTests.Fixture fixture) : IClassFixture<ClaimAccessTests.Fixture>
{
    public static TheoryData<string, string, string[]> Rows => ClientRows();

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Each_caller_gets_what_the_table_says(string function, string route, string[] cells)
    {
        (await fixture.AskAsync(function, route, "team-1")).ShouldBe(cells[0], "stranger");
        (await fixture.AskAsync(function, route, "team-1", fixture.TokenOf("ana", 10, "team-*"))).ShouldBe(cells[2], "owner");
        (await fixture.AskAsync(function, route, "team-1", fixture.TokenOf("ana", 10, "team-2"))).ShouldBe(cells[3], "other");
        (await fixture.AskAsync(function, route, "team-1", fixture.TokenOf("ana"))).ShouldBe(cells[3], "other");
        (await fixture.AskAsync(function, route, "team-1", await fixture.BackendTokenAsync("team-1"))).ShouldBe(cells[4], "back end's user");
        (await fixture.AskAsync(function, route, "team-2", await fixture.BackendTokenAsync("team-1"))).ShouldBe(cells[3], "back end's user, of another channel");
        (await fixture.AskAsync(function, route, "team-1", key: fixture.Stack.Keys.DefaultKey)).ShouldBe(cells[5], "back end");
        (await fixture.AskAsync(function, route, "team-1", key: fixture.Stack.Keys.MasterKey)).ShouldBe(cells[6], "operator");
        (await fixture.AskAsync(function, route, "team-1", code: fixture.Stack.Keys.MasterKey)).ShouldBe(cells[7], "key in the address");
    }

    [Theory]
    [InlineData("""{"id": "ana", "channels": ["team-*"]}""", HttpStatusCode.OK)]
    [InlineData("""{"id": "ana", "channels": ["team-2"]}""", HttpStatusCode.Forbidden)]
    [InlineData("""{"id": "ana"}""", HttpStatusCode.Forbidden)]
    [InlineData("""{"id": "ana", "channels": "team-1"}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"id": "ana", "channels": [7]}""", HttpStatusCode.BadRequest)]
    [InlineData("""{"id": "banned", "channels": ["team-*"]}""", HttpStatusCode.Forbidden)]
    public async Task A_back_end_says_which_channels_its_user_may_open(string user, HttpStatusCode status)
    {
        using var content = new StringContent($$"""{"user": {{user}}}""", Encoding.UTF8, "application/json");
        using var answer = await fixture.Stack.Http.PostAsync("channels/team-1/tokens", content, TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(status);
    }

    [Fact]
    public async Task The_chat_page_of_one_machine_opens_any_channel() => (await fixture.OpenOnPageAsync("c1")).ShouldBe(HttpStatusCode.OK);

    [Fact]
    public async Task Whom_the_host_application_does_not_let_in_gets_no_address() =>
        (await fixture.AskAsync("Negotiate", "POST channels/{channel}/negotiate", "team-1", fixture.TokenOf("banned", 10, "team-*"))).ShouldBe("403");

    internal static TheoryData<string, string, string[]> ClientRows() =>
    [
        .. AccessTests.ReadRows()
            .Where(row => AppFunctions.Http.Single(function => function.Name == row.Function).Level == "anonymous" && row.Function != "EntraClientEvents")
            .Select(row => new TheoryDataRow<string, string, string[]>(row.Function, row.Route, row.Cells)),
    ];

    public sealed class Fixture : AccessTests.Fixture
    {
        private HttpStub _application = null!;

        protected override string Mode => "claim";

        protected override Dictionary<string, string> Settings => new(base.Settings) { ["Cosmo:Access:DecisionUrl"] = new Uri(_application.Url, "/may").AbsoluteUri };

        public override async ValueTask InitializeAsync()
        {
            _application = await HttpStub.StartAsync(async context =>
            {
                var question = await context.Request.ReadFromJsonAsync<JsonObject>();
                await context.Response.WriteAsJsonAsync(new { allowed = question!["user"]?["id"]?.GetValue<string>() != "banned" });
            });
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await _application.DisposeAsync();
        }
    }
}

/// <summary>The same functions where channels are open.</summary>
public sealed class OpenAccessTests(OpenAccessTests.Fixture fixture) : IClassFixture<OpenAccessTests.Fixture>
{
    public static TheoryData<string, string, string[]> Rows => ClaimAccessTests.ClientRows();

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task They_are_open_to_all(string function, string route, string[] cells)
    {
        // A stranger approves nothing, in no mode.
        var stranger = function == "DecideCall" ? "401" : "yes";
        cells.Length.ShouldBe(8);
        (await fixture.AskAsync(function, route, "c1")).ShouldBe(stranger);
        (await fixture.AskAsync(function, route, "c1", fixture.TokenOf("eve"))).ShouldBe("yes");
        (await fixture.AskAsync(function, route, "c1", await fixture.BackendTokenAsync("c1"))).ShouldBe("yes");
        (await fixture.AskAsync(function, route, "c1", code: fixture.Stack.Keys.DefaultKey)).ShouldBe(stranger);
    }

    public sealed class Fixture : AccessTests.Fixture
    {
        protected override string Mode => "open";
    }
}
