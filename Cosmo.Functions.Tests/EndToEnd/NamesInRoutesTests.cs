using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>Every name that the contract allows, on every route that has one in it, live and in the log.</summary>
public sealed class NamesInRoutesTests(ToolsFixture shared) : SharedStackTest(shared), IClassFixture<NamesInRoutesTests.Answered>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The routes of <c>openapi.json</c> with a channel or a message id, so that none is forgotten.</summary>
    public static TheoryData<string, string, string> Routes => [.. Operations()];

    [Fact]
    public async Task Every_channel_is_heard_live_and_found_in_the_log_and_no_two_are_one()
    {
        var clients = new Dictionary<string, ChatClient>();
        try
        {
            foreach (var name in OddNames.All)
            {
                clients[name] = await Stack.OpenAsync(name);
            }

            foreach (var name in OddNames.All)
            {
                await Stack.Queue.SendAsync(name, Next(name), "Hello");
            }

            foreach (var (name, client) in clients)
            {
                (await client.FinalAsync(Next(name)))["status"]!.GetValue<string>().ShouldBe("completed");
            }

            foreach (var (name, client) in clients)
            {
                client.Rest().Select(update => (update["channel"]!.GetValue<string>(), update["payload"]!["message_id"]!.GetValue<string>())).Distinct().ShouldBe([(name, Next(name))]);
                var logged = (await AskAsync(HttpMethod.Get, $"channels/{Encoded(name)}/updates")).Body["updates"]!.AsArray();
                logged.Select(update => update!["channel"]!.GetValue<string>()).Distinct().ShouldBe([name]);
                logged.Count(update => Ends(update!, Next(name))).ShouldBe(1);
            }
        }
        finally
        {
            foreach (var client in clients.Values)
            {
                await client.DisposeAsync();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Every_name_in_each_form_that_it_may_have_is_read_as_it_was_meant(string method, string route, string operation)
    {
        foreach (var name in OddNames.All)
        {
            foreach (var written in Forms(name))
            {
                var messageId = name.Length < 500 ? name + written.Length : $"{written.Length}";
                var (status, body) = await AskAsync(new HttpMethod(method), Fill(route, written), BodyOf(operation, messageId));
                if (status == HttpStatusCode.RequestUriTooLong)
                {
                    // No server takes more than 8 KB; the code is shorter.
                    (Fill(route, written).Length > 8_000 && written[0] != '~').ShouldBeTrue(written);
                    continue;
                }

                var said = $"{operation} {written} {status} {body}";
                switch (operation)
                {
                    case "Negotiate" or "CreateToken":
                        var token = System.Web.HttpUtility.ParseQueryString(new Uri(body["url"]!.GetValue<string>()).Query)["access_token"];
                        ConnectionIdentity.FromUserId(new JsonWebToken(token).Subject)!.Channel.ShouldBe(name, said);
                        break;
                    case "GetUpdates" or "GetUpdatesAsOperator":
                        body["updates"]!.AsArray().Select(update => update!["channel"]!.GetValue<string>()).Distinct().ShouldBe([name], said);
                        break;
                    case "GetMessages" or "GetMessagesAsOperator":
                        body["messages"]!.AsArray().Select(message => message!["message_id"]?.GetValue<string>()).Where(id => id is not null).ShouldContain(name, said);
                        break;
                    case "GiveFeedback":
                        status.ShouldBe(HttpStatusCode.NoContent, said);
                        (await AskAsync(HttpMethod.Get, "feedback")).Body["feedback"]!.AsArray()
                            .Select(one => (one!["channel"]!.GetValue<string>(), one["message_id"]!.GetValue<string>())).ShouldContain((name, name), said);
                        break;
                    case "CancelMessage" or "CancelMessageAsOperator":
                        status.ShouldBe(HttpStatusCode.Conflict, said);
                        break;
                    case "SendMessage":
                        (body["channel"]!.GetValue<string>(), body["message_id"]!.GetValue<string>()).ShouldBe((name, messageId), said);
                        (await LinkAsync(body["status_url"]!))["channel"]!.GetValue<string>().ShouldBe(name, said);
                        (await LinkAsync(body["status_url"]!))["message_id"]!.GetValue<string>().ShouldBe(messageId, said);
                        (await LinkAsync(body["updates_url"]!))["updates"]!.AsArray().ShouldAllBe(update => update!["channel"]!.GetValue<string>() == name, said);
                        break;
                    case "DecideCall":
                        // The names do; it is open to nobody who is not signed in.
                        status.ShouldBe(HttpStatusCode.Unauthorized, said);
                        break;
                    case "SetOwner":
                        (body["channel"]!.GetValue<string>(), body["owner"]!.GetValue<string>()).ShouldBe((name, "backend:ana"), said);
                        break;
                    case "GetConversation" or "GetTimeline":
                        (body["channel"]!.GetValue<string>(), body["message_id"]!.GetValue<string>()).ShouldBe((name, name), said);
                        break;
                    case "GetThread" when name.Equals("stats", StringComparison.OrdinalIgnoreCase) && written == name:
                        body.ContainsKey("threads").ShouldBeTrue("The plain word is the statistics.");
                        break;
                    case "GetThread" or "DeleteThread":
                        body["channel"]!.GetValue<string>().ShouldBe(name, said);
                        break;
                    default:
                        Assert.Fail($"{operation} has a name in its route: say here what it answers.");
                        break;
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Another_form_of_a_name_is_refused(string method, string route, string operation)
    {
        foreach (var written in (string[])
            ["~", "~IA", "~YQ==", "~YR", "~_w", "~7aC9", "~a+b", "%7E", "%7Ea=", "%20", "50%25", "%2541", "a%252541", "%FF", "a%0Ab", "%7F", "%C2%85", new string('x', 513)])
        {
            var (status, _) = await AskAsync(new HttpMethod(method), Fill(route, written), BodyOf(operation, "x"));

            status.ShouldBe(HttpStatusCode.BadRequest, $"{operation} {written}");
        }

        // These are resolved, or refused, by whatever server comes first, and reach no function of that name.
        foreach (var written in (string[])["%2E", "%2e%2e", "%00"])
        {
            var (status, body) = await AskAsync(new HttpMethod(method), Fill(route, written), BodyOf(operation, "x"));
            if (operation == "GetThread" && written == "%2E" && body.ContainsKey("threads"))
            {
                // What is left of the path is the list's.
                continue;
            }

            status.ShouldBeOneOf([HttpStatusCode.BadRequest, HttpStatusCode.NotFound], $"{operation} {written}");
        }
    }

    private static IEnumerable<TheoryDataRow<string, string, string>> Operations() =>
        from path in JsonNode.Parse(File.ReadAllText(OpenApi()))!["paths"]!.AsObject()
        where path.Key.Contains("{channel}") || path.Key.Contains("{messageId}")
        from method in path.Value!.AsObject()
        select new TheoryDataRow<string, string, string>(method.Key.ToUpperInvariant(), path.Key, method.Value!["operationId"]!.GetValue<string>());

    private static string OpenApi([CallerFilePath] string source = "") => Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "docs", "openapi.json");

    /// <summary>Another odd name, for the message's id; no channel has it.</summary>
    private static string Next(string name) =>
        OddNames.All[(OddNames.All.ToList().IndexOf(name) + 1) % OddNames.All.Count] is { Length: < 500 } next ? next + "+" : "the next";

    private static string Fill(string route, string written) => route.TrimStart('/').Replace("{channel}", written).Replace("{messageId}", written).Replace("{callId}", written);

    private static string? BodyOf(string operation, string messageId) => operation switch
    {
        "CreateToken" or "SetOwner" => """{"user": {"id": "ana"}}""",
        "GiveFeedback" => """{"rating": "up"}""",
        "SendMessage" => new JsonObject { ["message"] = "Hello", ["message_id"] = messageId }.ToJsonString(),
        _ => null,
    };

    /// <summary>The forms in which a name may stand in a route: always its code, and itself where nothing could be taken for something else.</summary>
    private static IEnumerable<string> Forms(string name)
    {
        yield return Encoded(name);
        if (!name.Contains('%') && !name.Any(char.IsControl) && name is not ("." or "..") && name[0] != '~')
        {
            yield return Uri.EscapeDataString(name);
        }
    }

    private static string Encoded(string name) => '~' + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));

    private async Task<JsonObject> LinkAsync(JsonNode url) => JsonNode.Parse(await Stack.Http.GetStringAsync(new Uri(url.GetValue<string>()), Cancellation))!.AsObject();

    /// <summary>Sends the address to the byte as it is.</summary>
    private async Task<(HttpStatusCode Status, JsonObject Body)> AskAsync(HttpMethod method, string address, string? body = null)
    {
        var url = new Uri(Stack.Http.BaseAddress + address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(method, url) { Content = body is null ? null : new StringContent(body, new MediaTypeHeaderValue("application/json")) };
        using var answer = await Stack.Http.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        return (answer.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text)!.AsObject() : []);
    }

    private static bool Ends(JsonNode update, string messageId) =>
        update["payload"]!["message_id"]!.GetValue<string>() == messageId && update["payload"]!["final_message"]!.GetValue<bool>();

    /// <summary>In each channel one message is answered, whose id is the channel's name.</summary>
    public sealed class Answered(ToolsFixture shared) : IAsyncLifetime
    {
        public async ValueTask InitializeAsync()
        {
            foreach (var name in OddNames.All)
            {
                await shared.Stack.Queue.SendAsync(name, name, "Hello");
            }

            foreach (var name in OddNames.All)
            {
                while (!JsonNode.Parse(await shared.Stack.Http.GetStringAsync($"channels/{Encoded(name)}/updates"))!["updates"]!.AsArray().Any(update => Ends(update!, name)))
                {
                    await Task.Delay(20);
                }
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
