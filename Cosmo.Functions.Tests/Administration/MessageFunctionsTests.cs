using System.Net;
using System.Text.Json.Nodes;

namespace Cosmo.Functions.Tests.Administration;

/// <summary>Channels, messages and the assistant, on one host.</summary>
public sealed class MessageFunctionsTests(OperatorHost host) : OperatorTest(host)
{
    [Fact]
    public async Task A_new_channel_has_a_thread()
    {
        var (status, body) = await Host.SendAsync("POST", "channels");

        status.ShouldBe(HttpStatusCode.Created);
        var channel = body!["channel"]!.GetValue<string>();
        Guid.TryParse(channel, out _).ShouldBeTrue();
        (await Host.GetAsync("thread:" + channel)).ShouldBe(body["thread_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_channel_is_not_made_while_OpenAI_refuses()
    {
        await Host.Stack.FaultAsync("""[{ "endpoint": "conversations", "status": 401 }]""");

        (await Host.SendAsync("POST", "channels")).ShouldBeProblem(HttpStatusCode.ServiceUnavailable, "key");
    }

    [Fact]
    public async Task A_message_goes_through_without_the_queue_and_can_be_followed()
    {
        var (status, sent) = await Host.SendAsync("POST", "channels/a%2Fb/messages", """{"message": "Hello"}""");
        var id = sent!["message_id"]!.GetValue<string>();
        var answer = await FinalAsync(sent["updates_url"]!.GetValue<string>());
        var conversation = await EndAsync(new Uri(sent["status_url"]!.GetValue<string>()).PathAndQuery);

        status.ShouldBe(HttpStatusCode.Accepted);
        answer["status"]!.GetValue<string>().ShouldBe("completed");
        answer["message_id"]!.GetValue<string>().ShouldBe(id);
        conversation["channel"]!.GetValue<string>().ShouldBe("a/b");
        conversation["result"]!["outcome"]!.GetValue<string>().ShouldBe("completed");
        conversation["custom_status"]!["thread_id"]!.GetValue<string>().ShouldStartWith("conv_");
        conversation["seconds"]!.GetValue<double>().ShouldBePositive();
        (await Host.SendAsync("GET", $"conversations/{id}")).Body!["instance_id"]!.GetValue<string>().ShouldBe(conversation["instance_id"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_operator_is_told_with_which_arguments_tools_were_called()
    {
        var (_, sent) = await Host.SendAsync("POST", "channels/a/messages", """{"message": "Weather in Makati?"}""");
        await FinalAsync(sent!["updates_url"]!.GetValue<string>());

        var address = $"conversations/{sent["message_id"]}";
        var told = (await Host.SendAsync("GET", address + "?calls=true")).Body!["calls"]!.AsArray().ShouldHaveSingleItem()!;

        told["name"]!.GetValue<string>().ShouldBe("get_weather");
        told["call_id"]!.GetValue<string>().ShouldStartWith("call_");
        JsonNode.Parse(told["arguments"]!.GetValue<string>())!["city"]!.GetValue<string>().ShouldBe("Makati");
        (await Host.SendAsync("GET", address)).Body!.ContainsKey("calls").ShouldBeFalse();
    }

    [Fact]
    public async Task A_message_id_that_another_text_has_is_a_conflict_and_the_same_text_again_is_none()
    {
        var (first, _) = await Host.SendAsync("POST", "channels/a/messages", """{"message_id": "m1", "message": "Hello"}""");
        var (again, _) = await Host.SendAsync("POST", "channels/a/messages", """{"message_id": "m1", "message": "Hello"}""");
        var other = await Host.SendAsync("POST", "channels/a/messages", """{"message_id": "m1", "message": "Weather in Makati?"}""");
        var (elsewhere, _) = await Host.SendAsync("POST", "channels/b/messages", """{"message_id": "m1", "message": "Weather in Makati?"}""");

        (first, again, elsewhere).ShouldBe((HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.Accepted));
        other.ShouldBeProblem(HttpStatusCode.Conflict, "id is taken");
    }

    [Theory]
    [InlineData("hello", "must be a JSON object")]
    [InlineData("[1]", "must be a JSON object")]
    [InlineData("{}", "Field 'message' is missing.")]
    [InlineData("""{"message": 5}""", "Field 'message' must be a string; it is a number.")]
    [InlineData("""{"message": "x", "message_id": ""}""", "Field 'message_id' must not be empty.")]
    [InlineData("""{"message": "x", "message": "y"}""", "must be a JSON object")]
    public async Task A_body_that_is_no_message_is_a_problem(string body, string detail) =>
        (await Host.SendAsync("POST", "channels/a/messages", body)).ShouldBeProblem(HttpStatusCode.BadRequest, detail);

    [Fact]
    public async Task A_message_beyond_the_limit_is_a_problem()
    {
        (await Host.SendAsync("POST", "channels/a/messages", new JsonObject { ["message"] = new string('x', 32_001) }.ToJsonString()))
            .ShouldBeProblem(HttpStatusCode.BadRequest, "at most 32000");
        (await Host.SendAsync("POST", "channels/a/messages", new string(' ', 5_000_000))).ShouldBeProblem(HttpStatusCode.RequestEntityTooLarge, "bytes");
    }

    [Theory]
    [InlineData("conversations/unknown", HttpStatusCode.NotFound)]
    [InlineData("conversations/unknown?channel=a", HttpStatusCode.NotFound)]
    [InlineData("conversations/m?attempt=0", HttpStatusCode.BadRequest)]
    [InlineData("conversations/m?attempt=one", HttpStatusCode.BadRequest)]
    [InlineData("conversations/m?calls=1", HttpStatusCode.BadRequest)]
    public async Task A_conversation_that_is_not_known_is_a_problem(string address, HttpStatusCode expected) =>
        (await Host.SendAsync("GET", address)).Status.ShouldBe(expected);

    [Fact]
    public async Task The_assistant_is_made_once_shown_and_deleted_when_confirmed()
    {
        await Host.SendAsync("POST", "assistant");
        var (again, made) = await Host.SendAsync("POST", "assistant");
        var id = made!["id"]!.GetValue<string>();

        again.ShouldBe(HttpStatusCode.OK);
        var (_, shown) = await Host.SendAsync("GET", "assistant");
        shown!["is_current"]!.GetValue<bool>().ShouldBeTrue();
        shown["model"]!.GetValue<string>().ShouldBe("gpt-4o-mini");
        (await Host.SendAsync("DELETE", "assistant?id=asst_other&confirm=DELETE")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await Host.SendAsync("DELETE", "assistant?confirm=yes")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await Host.SendAsync("DELETE", $"assistant?id={id}")).Body!["dry_run"]!.GetValue<bool>().ShouldBeTrue();
        (await Host.GetAsync("assistant_id")).ShouldBe(id);

        (await Host.SendAsync("DELETE", $"assistant?id={id}&confirm=DELETE")).Status.ShouldBe(HttpStatusCode.OK);

        (await Host.GetAsync("assistant_id")).ShouldBeNull();
        (await Host.SendAsync("GET", "assistant")).ShouldBeProblem(HttpStatusCode.NotFound, "No assistant");
        (await Host.SendAsync("POST", "assistant")).Status.ShouldBe(HttpStatusCode.Created);
    }

    private async Task<JsonObject> FinalAsync(string updates)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var (_, body) = await Host.SendAsync("GET", updates);
            if (body!["updates"]!.AsArray().Select(update => update!["payload"]!.AsObject()).FirstOrDefault(payload => payload["final_message"]!.GetValue<bool>()) is { } final)
            {
                return final;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    private async Task<JsonObject> EndAsync(string address)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var (_, body) = await Host.SendAsync("GET", address);
            if (body!["status"]!.GetValue<string>() == "completed")
            {
                return body;
            }

            await Task.Delay(50, limit.Token);
        }
    }
}
