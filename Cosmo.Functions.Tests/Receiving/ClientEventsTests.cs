using System.Text;
using System.Text.Json.Nodes;
using Cosmo.Functions.Access;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Azure.Functions.Worker;
using NSubstitute;
using NSubstitute.ExceptionExtensions;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>What a browser says over its connection. An error status would cost it the connection, so a refusal is an update.</summary>
public sealed class ClientEventsTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Later = TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(5);
    private static readonly string UserId = new ConnectionIdentity("c1", new Caller("ana", ["auditor"]), SignedInUser.Backend, Later).ToUserId();
    private static readonly string StrangerId = new ConnectionIdentity("c1", Caller.Anonymous, null, Later).ToUserId();
    private static readonly string EndedId = new ConnectionIdentity("c1", new Caller("ana", ["auditor"]), SignedInUser.Backend, Later - TimeSpan.FromMinutes(6)).ToUserId();

    private ReceivingRoom _room = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _room = await ReceivingRoom.OpenAsync();

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task The_handshake_allows_whoever_has_the_key()
    {
        var (answer, http) = await SendAsync("OPTIONS", "", "", null);

        answer.ShouldBeOfType<OkResult>();
        http.Response.Headers["WebHook-Allowed-Origin"].ToString().ShouldBe("*");
    }

    [Theory]
    [InlineData("OPTIONS")]
    [InlineData("POST")]
    public async Task Where_no_tokens_are_expected_the_door_for_them_is_shut_and_nothing_is_read(string method)
    {
        var http = RequestOf(method, "azure.webpubsub.user.message", Substitute.For<Stream>(), UserId, ("Authorization", "Bearer token"));

        var answer = await _room.ClientEvents.RunWithTokenAsync(http.Request, _room.Client, Substitute.For<FunctionContext>());

        answer.ShouldBeOfType<ObjectResult>().StatusCode.ShouldBe(StatusCodes.Status401Unauthorized);
        http.Response.Headers.ShouldNotContainKey("WebHook-Allowed-Origin");
        http.Request.Body.ReceivedCalls().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("azure.webpubsub.sys.connected")]
    [InlineData("azure.webpubsub.user.other")]
    public async Task Other_events_are_none_of_ours(string type) => (await SendAsync("POST", type, "{}", UserId)).Answer.ShouldBeOfType<NoContentResult>();

    [Theory]
    [InlineData(null)]
    [InlineData("ana")]
    public async Task A_connection_that_was_not_negotiated_here_is_refused(string? userId) =>
        (await SendAsync("POST", "azure.webpubsub.user.message", "{}", userId)).Answer.ShouldBeOfType<UnauthorizedResult>();

    [Fact]
    public async Task A_message_is_queued_in_the_channel_and_the_name_of_its_connection_whatever_it_claims()
    {
        var (answer, _) = await SendAsync(
            "POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello","user":{"id":"boss","roles":["admin"]}}""", UserId);

        answer.ShouldBeOfType<NoContentResult>();
        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        JsonNode.DeepEquals(
            JsonNode.Parse(queued!.Body.Span),
            JsonNode.Parse("""{"channel":"c1","message_id":"m1","message":"Hello","user":{"id":"ana","roles":["auditor"],"issuer":"backend"}}""")).ShouldBeTrue(Encoding.UTF8.GetString(queued.Body.Span));
        Encoding.UTF8.GetString((byte[])queued.BasicProperties.Headers!["x-cosmo-origin"]!).ShouldBe("client");
    }

    [Fact]
    public async Task A_stranger_may_not_send_unless_a_setting_says_so()
    {
        const string body = """{"message_id":"m1","message":"Hello","user":{"id":"boss","roles":["admin"]}}""";
        var refused = Update((await SendAsync("POST", "azure.webpubsub.user.message", body, StrangerId)).Answer);
        _room.Access.ClientMessages = "anyone";
        var (taken, _) = await SendAsync("POST", "azure.webpubsub.user.message", body, StrangerId);

        (refused["message_id"]!.GetValue<string>(), refused["message"]!.GetValue<string>()).ShouldBe(("m1", "Please sign in to send messages."));
        taken.ShouldBeOfType<NoContentResult>();
        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        JsonNode.Parse(queued!.Body.Span)!["user"]!.ToJsonString().ShouldBe("""{"id":null,"roles":[]}""");
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData("signed_in")]
    [InlineData("anyone")]
    public async Task The_right_to_send_ends_with_the_token_and_so_do_the_roles(string setting)
    {
        _room.Access.ClientMessages = setting;

        var update = Update((await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", EndedId)).Answer);

        (update["status"]!.GetValue<string>(), update["message_id"]!.GetValue<string>()).ShouldBe(("error", "m1"));
        update["error_details"]!.GetValue<string>().ShouldContain("negotiate another");
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task What_is_over_a_limit_is_refused_by_an_update_neither_queued_nor_kept_and_counts_once_what_is_not()
    {
        _room.Limits.MessagesPerMinute = 1;
        (await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", UserId)).Answer.ShouldBeOfType<NoContentResult>();
        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        await _room.Receiver.ReceiveAsync(queued!.Body.ToArray(), DeliveryProperties.None with { Headers = new Dictionary<string, string> { [DeliveryProperties.OriginHeader] = DeliveryProperties.ClientOrigin } }, _room.Client, Cancellation);

        var refused = Update((await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m2","message":"Hello"}""", UserId)).Answer);
        var again = (await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", UserId)).Answer;

        _room.Started.Select(input => input.Address.MessageId).ShouldBe(["m1"]);
        (refused["message_id"]!.GetValue<string>(), refused["status"]!.GetValue<string>(), refused["final_message"]!.GetValue<bool>()).ShouldBe(("m2", "error", true));
        refused["message"]!.GetValue<string>().ShouldBe("I'm receiving too many requests right now. Please try again in a moment.");
        refused["error_details"]!.GetValue<string>().ShouldMatch("^The limit of 1 messages a minute is reached; it ends at 20.*Z$");
        again.ShouldBeOfType<NoContentResult>();
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation))!.Body.ShouldNotBe(default);
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue + "_failed", autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_stranger_is_over_a_limit_in_whatever_channel()
    {
        (_room.Limits.MessagesPerMinute, _room.Access.ClientMessages) = (1, "anyone");
        var (first, second) = (StrangerAt("c1", "here"), StrangerAt("c2", "here"));

        (await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", first)).Answer.ShouldBeOfType<NoContentResult>();
        var refused = Update((await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m2","message":"Hello"}""", second)).Answer);
        var (other, _) = await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m3","message":"Hello"}""", StrangerAt("c2", "there"));

        refused["error_details"]!.GetValue<string>().ShouldStartWith("The limit of 1 messages a minute");
        other.ShouldBeOfType<NoContentResult>();
        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        JsonNode.Parse(queued!.Body.Span)!["user"]!.ToJsonString().ShouldBe("""{"id":null,"roles":[],"source":"here"}""");

        static string StrangerAt(string channel, string source) =>
            new ConnectionIdentity(channel, Caller.Anonymous with { Source = source }, null, Later).ToUserId();
    }

    [Fact]
    public async Task An_event_too_many_is_refused_by_an_update_and_not_queued_and_what_was_sent_before_can_be_cancelled()
    {
        _room.Limits.EventsPerMinute = 1;
        (await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", UserId)).Answer.ShouldBeOfType<NoContentResult>();
        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        await _room.Receiver.ReceiveAsync(queued!.Body.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);

        var refused = Update((await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m2","message":"Hello"}""", UserId)).Answer);
        var cancelled = (await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", UserId)).Answer;
        var again = Update((await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", UserId)).Answer);

        (refused["message_id"]!.GetValue<string>(), refused["status"]!.GetValue<string>(), refused["final_message"]!.GetValue<bool>()).ShouldBe(("m2", "error", true));
        refused["message"]!.GetValue<string>().ShouldBe("I'm receiving too many requests right now. Please try again in a moment.");
        refused["error_details"]!.GetValue<string>().ShouldMatch("^The limit of 1 'message' events a minute is reached; it ends at 20.*Z$");
        cancelled.ShouldBeOfType<NoContentResult>();
        (again["message_id"], again["error_details"]!.GetValue<string>()[..36]).ShouldBe((null, "The limit of 1 'cancel' events a min"));
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue + "_failed", autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_that_was_taken_does_not_end_by_coming_once_too_often()
    {
        _room.Limits.EventsPerMinute = 1;
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", UserId);
        await _room.Queue.Channel.QueuePurgeAsync(_room.Queue.Queue, Cancellation);

        var (again, _) = await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", UserId);

        again.ShouldBeOfType<NoContentResult>();
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Whence_a_stranger_comes_is_in_no_message_where_messages_are_not_counted()
    {
        _room.Access.ClientMessages = "anyone";
        var stranger = new ConnectionIdentity("c1", Caller.Anonymous with { Source = "here" }, null, Later).ToUserId();

        await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m1","message":"Hello"}""", stranger);

        var queued = await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation);
        JsonNode.Parse(queued!.Body.Span)!["user"]!.ToJsonString().ShouldBe("""{"id":null,"roles":[]}""");
        (await _room.Redis.RunAsync(database => database.KeyExistsAsync($"{_room.Redis.Prefix}rate:events:message:source:here"), Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_body_that_no_event_of_Web_PubSub_has_is_too_long_and_not_read_to_its_end()
    {
        using var body = new MemoryStream(new byte[2 * _room.Messaging.MaxBodyBytes]);

        var (answer, _) = await SendAsync("POST", "azure.webpubsub.user.message", body, UserId);

        var problem = answer.ShouldBeOfType<ObjectResult>();
        (problem.StatusCode, problem.ContentTypes.Single()).ShouldBe((413, "application/problem+json"));
        body.Position.ShouldBeLessThan(_room.Messaging.MaxBodyBytes + 65_536);
    }

    [Fact]
    public async Task An_event_that_Web_PubSub_takes_and_the_app_does_not_costs_no_connection()
    {
        _room.Messaging.MaxBodyBytes = 1_024;

        var (answer, _) = await SendAsync("POST", "azure.webpubsub.user.message", $$"""{"message_id":"m1","message":"Hello","x":"{{new string('x', 900_000)}}"}""", UserId);

        (Update(answer)["message_id"]!.GetValue<string>(), Update(answer)["error_details"]!.GetValue<string>()).ShouldBe(("m1", "The body has 900044 bytes; at most 1024 are taken."));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_signature_of_the_connection_proves_nothing_and_is_not_needed(bool isRight)
    {
        const string connection = "connection-1";
        var right = Convert.ToHexStringLower(System.Security.Cryptography.HMACSHA256.HashData("access-key"u8, Encoding.UTF8.GetBytes(connection)));
        (string, string)[] headers = [("ce-connectionId", connection), ("ce-signature", $"sha256={(isRight ? right : new string('0', 64))}")];

        var byToken = await _room.ClientEvents.RunWithTokenAsync(
            RequestOf("POST", "azure.webpubsub.user.message", BodyOf("{}"), UserId, headers).Request, _room.Client, Substitute.For<FunctionContext>());
        var byKey = await _room.ClientEvents.RunAsync(
            RequestOf("POST", "azure.webpubsub.user.message", BodyOf("""{"message_id":"m1","message":"Hello"}"""), UserId, headers).Request, _room.Client, Substitute.For<FunctionContext>());

        byToken.ShouldBeOfType<ObjectResult>().StatusCode.ShouldBe(StatusCodes.Status401Unauthorized);
        byKey.ShouldBeOfType<NoContentResult>();
    }

    [Fact]
    public async Task Whoever_may_listen_may_cancel()
    {
        foreach (var (messageId, userId) in new[] { ("m1", StrangerId), ("m2", EndedId) })
        {
            await _room.Receiver.ReceiveAsync(
                Encoding.UTF8.GetBytes($$"""{"channel":"c1","message_id":"{{messageId}}","message":"Hello"}"""), DeliveryProperties.None, _room.Client, Cancellation);

            (await SendAsync("POST", "azure.webpubsub.user.cancel", $$"""{"message_id":"{{messageId}}"}""", userId)).Answer.ShouldBeOfType<NoContentResult>();
        }
    }

    [Theory]
    [InlineData("""{"message":"Hello"}""", null)]
    [InlineData("""{"message_id":"m1"}""", "m1")]
    [InlineData("""{"channel":"c2","message_id":"m1","message":"Hello"}""", null)]
    [InlineData("hello", null)]
    public async Task A_message_that_is_none_is_refused_by_an_update_and_not_queued(string body, string? messageId)
    {
        var (answer, _) = await SendAsync("POST", "azure.webpubsub.user.message", body, UserId);

        var update = Update(answer);
        (update["status"]!.GetValue<string>(), update["message_id"]?.GetValue<string>()).ShouldBe(("error", messageId));
        (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
    }

    [Theory]
    [InlineData("owner", "backend:ana", "ana", null)]
    [InlineData("owner", "backend:eve", "ana", "This conversation belongs to somebody else.")]
    [InlineData("owner", "platform:ana", "ana", "This conversation belongs to somebody else.")]
    [InlineData("owner", null, "ana", "This conversation belongs to somebody else.")]
    [InlineData("owner", "backend:ana", null, "Please sign in.")]
    [InlineData("owner", "backend:ana", "ended", "Your connection has to be renewed. Please try again.")]
    [InlineData("claim", null, "ana", null)]
    [InlineData("claim", null, null, "Please sign in.")]
    [InlineData("claim", null, "ended", "Your connection has to be renewed. Please try again.")]
    public async Task Where_channels_are_not_open_a_connection_acts_in_its_users_channel_alone(string mode, string? owner, string? user, string? refusal)
    {
        (_room.Access.Mode, _room.Access.ClientMessages) = (mode, "anyone");
        if (owner?.Split(':') is [var issuer, var id])
        {
            await _room.Owners.SetAsync("c1", new Caller(id, []) { Issuer = issuer }, life: null, Cancellation);
        }

        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        var userId = user switch { null => StrangerId, "ended" => EndedId, _ => UserId };
        var (sent, _) = await SendAsync("POST", "azure.webpubsub.user.message", """{"message_id":"m2","message":"Hello"}""", userId);
        var (cancelled, _) = await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", userId);

        if (refusal is null)
        {
            sent.ShouldBeOfType<NoContentResult>();
            cancelled.ShouldBeOfType<NoContentResult>();
            (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldNotBeNull();
        }
        else
        {
            (Update(sent)["message"]!.GetValue<string>(), Update(sent)["message_id"]!.GetValue<string>()).ShouldBe((refusal, "m2"));
            (Update(cancelled)["message"]!.GetValue<string>(), Update(cancelled)["message_id"]).ShouldBe((refusal, null));
            (await _room.Queue.Channel.BasicGetAsync(_room.Queue.Queue, autoAck: true, Cancellation)).ShouldBeNull();
        }
    }

    [Fact]
    public async Task A_message_that_waits_is_cancelled()
    {
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);

        (await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", UserId)).Answer.ShouldBeOfType<NoContentResult>();
    }

    [Theory]
    [InlineData("""{"message_id":"unknown"}""", "There is no such message in this channel.")]
    [InlineData("""{"message_id":"over"}""", "The message is over already.")]
    [InlineData("""{"message_id":7}""", "The event must be an object with a 'message_id'.")]
    [InlineData("[]", "The event must be an object with a 'message_id'.")]
    public async Task What_cannot_be_cancelled_is_told_and_ends_no_message(string body, string details)
    {
        var over = new MessageAddress("c1", "over", 1);
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"over","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Log.RecordAsync(over, Updates.Completed(over, "conv_1", "Hello"), null, Cancellation);

        var update = Update((await SendAsync("POST", "azure.webpubsub.user.cancel", body, UserId)).Answer);

        (update["message_id"], update["error_details"]!.GetValue<string>()).ShouldBe((null, details));
    }

    [Fact]
    public async Task What_is_cancelled_or_decided_on_is_in_the_channel_of_the_connection_whichever_the_event_names()
    {
        await _room.Receiver.ReceiveAsync("""{"channel":"c2","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Desk.OpenAsync(new MessageAddress("c2", "m1", 1), "call_1", Cancellation);

        var cancelled = Update((await SendAsync("POST", "azure.webpubsub.user.cancel", """{"channel":"c2","message_id":"m1"}""", UserId)).Answer);
        var decided = Update(await DecideAsync("""{"channel":"c2","message_id":"m1","call_id":"call_1","approved":true}""", UserId));

        cancelled["error_details"]!.GetValue<string>().ShouldBe("There is no such message in this channel.");
        decided["error_details"]!.GetValue<string>().ShouldBe("No call of this id waits in this channel.");
        (await _room.Desk.FindAsync(new MessageAddress("c2", "m1", 1), "call_1", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_cancel_that_fails_costs_the_connection_nothing_and_an_outage_is_told_from_a_refusal()
    {
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        _room.Client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>())
            .ThrowsAsync(new RpcException(new Status(StatusCode.Unavailable, "away")));
        var away = Update((await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", UserId)).Answer);
        await _room.Redis.RunAsync(database => database.StringSetAsync(_room.Log.FenceKey(new MessageAddress("c1", "m1", 1)), "no hash"), Cancellation);
        var refused = Update((await SendAsync("POST", "azure.webpubsub.user.cancel", """{"message_id":"m1"}""", UserId)).Answer);

        (away["message_id"], away["message"]!.GetValue<string>()).ShouldBe((null, "I'm having trouble connecting to my services. Please try again in a moment."));
        refused["message"]!.GetValue<string>().ShouldBe("I encountered an issue while processing your request.");
    }

    [Fact]
    public async Task The_first_signed_in_user_who_decides_on_a_call_counts()
    {
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Desk.OpenAsync(new MessageAddress("c1", "m1", 1), "call_1", Cancellation);
        const string yes = """{"message_id":"m1","call_id":"call_1","approved":true}""";
        const string no = """{"message_id":"m1","call_id":"call_1","approved":false,"reason":"No."}""";

        var stranger = Update(await DecideAsync(yes, StrangerId));
        var ended = Update(await DecideAsync(yes, EndedId));
        var first = await DecideAsync(no, UserId);
        var second = Update(await DecideAsync(yes, UserId));

        (stranger["message"]!.GetValue<string>(), ended["message"]!.GetValue<string>()).ShouldBe(("Please sign in to approve.", "Please sign in to approve."));
        first.ShouldBeOfType<NoContentResult>();
        second["message"]!.GetValue<string>().ShouldBe("It was decided already, or it is too late.");
        (await _room.Desk.FindAsync(new MessageAddress("c1", "m1", 1), "call_1", Cancellation)).ShouldBe(new ApprovalDecision(false, "No.", "backend:ana"));
    }

    [Theory]
    [InlineData("""{"message_id":"m1","call_id":"call_9","approved":true}""", "No call of this id waits in this channel.")]
    [InlineData("""{"message_id":"m9","call_id":"call_1","approved":true}""", "No call of this id waits in this channel.")]
    [InlineData("""{"call_id":"call_1","approved":true}""", "Field 'message_id' must be a text.")]
    [InlineData("""{"message_id":"m1","approved":true}""", "Field 'call_id' must be a text.")]
    [InlineData("""{"message_id":"m1","call_id":"call_1","approved":"yes"}""", "Field 'approved' must be true or false.")]
    [InlineData("""{"message_id":"m1","call_id":"call_1","approved":true,"reason":7}""", "Field 'reason' must be a text of at most 2000 characters.")]
    [InlineData("[]", "It must be a JSON object in UTF-8.")]
    public async Task What_is_no_decision_is_told_and_decides_nothing(string body, string details)
    {
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Desk.OpenAsync(new MessageAddress("c1", "m1", 1), "call_1", Cancellation);

        Update(await DecideAsync(body, UserId))["error_details"]!.GetValue<string>().ShouldBe(details);

        (await _room.Desk.FindAsync(new MessageAddress("c1", "m1", 1), "call_1", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_decision_that_comes_too_late_does_not_count()
    {
        var address = new MessageAddress("c1", "m1", 1);
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Desk.OpenAsync(address, "call_1", Cancellation);
        (await _room.Desk.CloseAsync(address, "call_1", Cancellation)).ShouldBeNull();

        Update(await DecideAsync("""{"message_id":"m1","call_id":"call_1","approved":true}""", UserId))["message"]!.GetValue<string>().ShouldBe("It was decided already, or it is too late.");
        (await _room.Desk.CloseAsync(address, "call_1", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task A_decision_on_a_call_of_a_message_that_is_over_does_not_count()
    {
        var address = new MessageAddress("c1", "m1", 1);
        await _room.Receiver.ReceiveAsync("""{"channel":"c1","message_id":"m1","message":"Hello"}"""u8.ToArray(), DeliveryProperties.None, _room.Client, Cancellation);
        await _room.Desk.OpenAsync(address, "call_1", Cancellation);
        await _room.Log.RecordAsync(address, Updates.Cancelled(address, "conv_1", ""), null, Cancellation);

        Update(await DecideAsync("""{"message_id":"m1","call_id":"call_1","approved":true}""", UserId))["message"]!.GetValue<string>().ShouldBe("It was decided already, or it is too late.");
        (await _room.Desk.FindAsync(address, "call_1", Cancellation)).ShouldBeNull();
    }

    private async Task<IActionResult> DecideAsync(string body, string userId) => (await SendAsync("POST", "azure.webpubsub.user.approve", body, userId)).Answer;

    private static JsonNode Update(IActionResult answer) =>
        System.Text.Json.JsonSerializer.SerializeToNode(((JsonResult)answer).Value, CosmoJson.Options)!["payload"]!;

    private static DefaultHttpContext RequestOf(string method, string type, Stream body, string? userId, params (string Name, string Value)[] headers)
    {
        var http = new DefaultHttpContext();
        http.Request.Method = method;
        http.Request.Headers["ce-type"] = type;
        http.Request.Headers["ce-userId"] = userId;
        foreach (var (name, value) in headers)
        {
            http.Request.Headers[name] = value;
        }

        http.Request.Body = body;
        return http;
    }

    private static MemoryStream BodyOf(string text) => new(Encoding.UTF8.GetBytes(text));

    private async Task<(IActionResult Answer, HttpContext Http)> SendAsync(string method, string type, string body, string? userId) =>
        await SendAsync(method, type, BodyOf(body), userId);

    private async Task<(IActionResult Answer, HttpContext Http)> SendAsync(string method, string type, Stream body, string? userId)
    {
        var http = RequestOf(method, type, body, userId);
        return (await _room.ClientEvents.RunAsync(http.Request, _room.Client, Substitute.For<FunctionContext>()), http);
    }
}
