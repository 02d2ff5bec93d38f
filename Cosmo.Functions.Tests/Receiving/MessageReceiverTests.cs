using System.Text;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>A delivery ends in an answer or in a dead letter; its sender is told why.</summary>
public sealed class MessageReceiverTests : IAsyncLifetime
{
    private ReceivingRoom _room = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _room = await ReceivingRoom.OpenAsync();

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Fact]
    public async Task A_message_starts_its_answer_with_all_that_the_dead_letter_would_need()
    {
        const string body = """{"channel":"c1","message_id":"m1","message":"Hello","user":{"id":"ana","roles":["auditor"]}}""";
        var properties = DeliveryProperties.None with { CorrelationId = "corr", Headers = new Dictionary<string, string> { ["x-cosmo-attempt"] = "3" } };

        await ReceiveAsync(body, properties);

        var input = _room.Started.ShouldHaveSingleItem();
        (input.Address, input.Question, input.HasTurn).ShouldBe((new MessageAddress("c1", "m1", 3), "Hello", true));
        (input.Caller.Id, input.Caller.Roles.Single()).ShouldBe(("ana", "auditor"));
        input.Body.ShouldBeNull();
        Encoding.UTF8.GetString((await _room.Memory.FindBodyAsync(input.Address, Cancellation))!).ShouldBe(body);
        input.Properties.ShouldBe(properties);
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Theory]
    [InlineData("", null, true)]
    [InlineData("", "client", false)]
    [InlineData(""","user":null""", null, false)]
    [InlineData(""","user":{"id":"ana"}""", null, false)]
    public async Task Who_names_no_user_is_trusted_but_what_came_from_a_browser_never(string user, string? origin, bool isTrusted)
    {
        var headers = origin is null ? new Dictionary<string, string>() : new() { ["x-cosmo-origin"] = origin };

        await ReceiveAsync($$"""{"channel":"c1","message_id":"m1","message":"Hello"{{user}}}""", DeliveryProperties.None with { Headers = headers });

        _room.Started.ShouldHaveSingleItem().Caller.IsTrustedProducer.ShouldBe(isTrusted);
    }

    [Theory]
    [InlineData(""","user":{"id":"ana"}""", null, "backend:ana")]
    [InlineData(""","user":{"id":"ana","issuer":"https://login.example.com"}""", null, "https://login.example.com:ana")]
    [InlineData(""","user":{"id":"ana","issuer":7}""", null, null)]
    [InlineData(""","user":{"id":"ana"}""", "client", null)]
    [InlineData(""","user":{"roles":["boss"]}""", null, null)]
    [InlineData("", null, null)]
    public async Task A_producers_message_that_names_its_user_says_whose_the_channel_is(string user, string? origin, string? owner)
    {
        _room.Access.Mode = "owner";
        var headers = origin is null ? new Dictionary<string, string>() : new() { ["x-cosmo-origin"] = origin };

        await ReceiveAsync($$"""{"channel":"c1","message_id":"m1","message":"Hello"{{user}}}""", DeliveryProperties.None with { Headers = headers });

        (await _room.Owners.FindAsync("c1", Cancellation)).ShouldBe(owner);
        _room.Started.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"channel":"c1","message_id":"m1"}""", "invalid_message", "m1")]
    [InlineData("""{"channel":"c1","message":"Hello"}""", "invalid_message", null)]
    public async Task A_message_that_is_none_is_kept_as_it_came_and_its_channel_told(string body, string cause, string? messageId)
    {
        await ReceiveAsync(body);

        var (headers, kept, _) = await _room.Queue.NextDeadLetterAsync();
        (headers["x-cosmo-cause"], Encoding.UTF8.GetString(kept)).ShouldBe((cause, body));
        var update = Told();
        (update.Status, update.Type, update.FinalMessage, update.MessageId, update.Message).ShouldBe(("error", "error", true, messageId, Sentences.InvalidRequest));
        update.ErrorDetails.ShouldBe(headers["x-cosmo-reason"]);
        _room.Started.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_sends_what_is_not_JSON_is_answered_where_it_asked_for_that()
    {
        var replies = (await _room.Queue.Channel.QueueDeclareAsync(cancellationToken: Cancellation)).QueueName;

        await ReceiveAsync("hello", DeliveryProperties.None with { ReplyTo = replies, CorrelationId = "corr" });

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("not_json");
        var reply = await _room.Queue.Channel.BasicGetAsync(replies, autoAck: true, Cancellation);
        reply!.BasicProperties.CorrelationId.ShouldBe("corr");
        Encoding.UTF8.GetString(reply.Body.Span).ShouldBe(
            """{"success": false, "error": "The message format is invalid. Please check your request and try again."}""");
        _room.Updates.Published.TryRead(out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_reply_that_cannot_be_delivered_makes_no_second_dead_letter()
    {
        await ReceiveAsync("hello", DeliveryProperties.None with { ReplyTo = "no-such-queue" });

        await _room.Queue.NextDeadLetterAsync();
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_message_that_its_channel_has_no_room_for_is_kept_and_told()
    {
        for (var i = 0; i <= 20; i++)
        {
            await ReceiveAsync(Message($"m{i}"));
        }

        _room.Updates.Published.TryRead(out _).ShouldBeTrue();
        await ReceiveAsync(Message("m21"));

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("channel_full");
        (Told() is { MessageId: "m21", Message: Sentences.RateLimit }).ShouldBeTrue();
        _room.Started.Count.ShouldBe(21);
    }

    [Fact]
    public async Task While_the_store_is_away_the_message_is_held_back_and_then_answered()
    {
        var tries = 0;
        Schedule().Returns(_ => ++tries < 3 ? throw new IOException("The store is away.") : "instance");

        await ReceiveAsync(Message("m1"));

        tries.ShouldBe(3);
        Told().Status.ShouldBe("started");
        _room.Updates.Published.TryRead(out _).ShouldBeFalse();
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task One_outage_is_waited_out_once_and_what_is_behind_it_waits_for_five_seconds()
    {
        var clock = new ManualTimeProvider { SkipUpTo = TimeSpan.FromSeconds(10) };
        await using var room = await ReceivingRoom.OpenAsync(clock, firstEventSeconds: 45);
        var isAway = true;
        Schedule(room).Returns(_ => isAway ? throw new IOException("The store is away.") : "instance");

        // A wait is at most five seconds, and none begins that would end too late.
        (await HeldBackAsync("m1")).ShouldBeInRange(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));
        (await HeldBackAsync("m2")).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(5));
        isAway = false;
        (await HeldBackAsync("m3")).ShouldBe(TimeSpan.Zero);
        isAway = true;
        (await HeldBackAsync("m4")).ShouldBeInRange(TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));

        async Task<TimeSpan> HeldBackAsync(string messageId)
        {
            var begun = clock.GetUtcNow();
            await room.Receiver.ReceiveAsync(Encoding.UTF8.GetBytes(Message(messageId)), DeliveryProperties.None, room.Client, Cancellation);
            return clock.GetUtcNow() - begun;
        }
    }

    [Fact]
    public async Task A_store_that_stays_away_costs_a_dead_letter_and_the_channel_hears_and_has_room_for_the_next()
    {
        Schedule().ThrowsAsync(new IOException("Host=store;Password=secret"));

        await ReceiveAsync(Message("m1"));

        var (headers, kept, _) = await _room.Queue.NextDeadLetterAsync();
        (headers["x-cosmo-cause"], headers["x-cosmo-message-id"], Encoding.UTF8.GetString(kept)).ShouldBe(("durable_store", "m1", Message("m1")));
        Told().Status.ShouldBe("started");
        (Told() is { Status: "error", FinalMessage: true, MessageId: "m1", Message: Sentences.Connection, ErrorDetails: "The message could not be scheduled" }).ShouldBeTrue();
        _room.Updates.Ended.ShouldBe([new MessageAddress("c1", "m1", 1)]);

        Schedule().Returns("instance");
        await ReceiveAsync(Message("m2"));
        _room.Started[^1].HasTurn.ShouldBeTrue();
    }

    [Fact]
    public async Task A_try_that_began_the_answer_though_it_seemed_to_fail_is_no_failure()
    {
        AnswerInput? begun = null;
        Schedule().Returns<string>(
            call =>
            {
                begun = call.Arg<object?>() as AnswerInput;
                throw new IOException("The answer was lost.");
            },
            _ => throw new OrchestrationAlreadyExistsException("An orchestration with this id exists."));
        _room.Client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>()).Returns(_ => Instance(begun!));

        await ReceiveAsync(Message("m1"));
        Schedule().Returns("instance");
        await ReceiveAsync(Message("m2"));

        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
        _room.Started[^1].HasTurn.ShouldBeFalse("the first message has the turn still");
    }

    [Fact]
    public async Task A_store_that_cannot_be_asked_whether_a_message_of_a_full_channel_is_known_costs_a_dead_letter_too()
    {
        for (var i = 0; i <= 20; i++)
        {
            await ReceiveAsync(Message($"m{i}"));
        }

        Told();
        _room.Client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>()).ThrowsAsync(new InvalidOperationException("The store is away."));

        await ReceiveAsync(Message("m21"));

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("durable_store");
        (Told() is { Status: "error", MessageId: "m21" }).ShouldBeTrue();
    }

    [Fact]
    public async Task An_id_that_is_taken_by_another_text_is_kept_and_told_to_its_sender_alone()
    {
        var replies = (await _room.Queue.Channel.QueueDeclareAsync(cancellationToken: Cancellation)).QueueName;
        await ReceiveAsync(Message("m1"));
        Told().Status.ShouldBe("started");
        const string other = """{"channel":"c1","message_id":"m1","message":"Another"}""";

        await ReceiveAsync(other, DeliveryProperties.None with { ReplyTo = replies, CorrelationId = "corr" });
        await ReceiveAsync(Message("m1"));

        var (headers, kept, _) = await _room.Queue.NextDeadLetterAsync();
        (headers["x-cosmo-cause"], Encoding.UTF8.GetString(kept)).ShouldBe(("message_id_taken", other));
        var reply = await _room.Queue.Channel.BasicGetAsync(replies, autoAck: true, Cancellation);
        (reply!.BasicProperties.CorrelationId, Encoding.UTF8.GetString(reply.Body.Span)).ShouldBe(
            ("corr", """{"success": false, "error": "The message id is taken by another message. Please send this one with an id of its own."}"""));
        _room.Updates.Published.TryRead(out _).ShouldBeFalse();
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
        _room.Started.ShouldAllBe(input => input.Question == "Hello");
    }

    [Fact]
    public async Task An_id_that_is_taken_is_known_by_the_store_too_where_Redis_has_forgotten_it()
    {
        Schedule().ThrowsAsync(new OrchestrationAlreadyExistsException("An orchestration with this id exists."));
        _room.Client.GetInstanceAsync(Arg.Any<string>(), Arg.Any<bool>(), Arg.Any<CancellationToken>()).Returns(Instance(new AnswerInput(
            new MessageAddress("c1", "m1", 1), "Another", Caller.Anonymous, null, DeliveryProperties.None, "run", true, default, new AnsweringOptions().Deadlines, 8)));

        await ReceiveAsync(Message("m1"));

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("message_id_taken");
    }

    [Fact]
    public async Task A_dead_letter_that_the_broker_takes_late_is_written_late_and_once()
    {
        await _room.Queue.Channel.QueueUnbindAsync(_room.Queue.FailedQueue, _room.Queue.Exchange + "_dlx", CosmoQueue.RoutingKey, cancellationToken: Cancellation);
        var receiving = ReceiveAsync("hello");
        await _room.Topology.DeclareAsync(Cancellation);
        await receiving;

        (await _room.Queue.NextDeadLetterAsync()).Headers["x-cosmo-cause"].ShouldBe("not_json");
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    private Task<string> Schedule() => Schedule(_room);

    private static Task<string> Schedule(ReceivingRoom room) => room.Client.ScheduleNewOrchestrationInstanceAsync(
        Arg.Any<TaskName>(), Arg.Any<object?>(), Arg.Any<StartOrchestrationOptions?>(), Arg.Any<CancellationToken>());

    private static OrchestrationMetadata Instance(AnswerInput input) => new(nameof(AnswerMessage), "instance")
    {
        DataConverter = JsonDataConverter.Default,
        SerializedInput = JsonDataConverter.Default.Serialize(input),
    };

    private static string Message(string id) => $$"""{"channel":"c1","message_id":"{{id}}","message":"Hello"}""";

    private Task ReceiveAsync(string body, DeliveryProperties? properties = null) =>
        _room.Receiver.ReceiveAsync(Encoding.UTF8.GetBytes(body), properties ?? DeliveryProperties.None, _room.Client, Cancellation);

    private UpdatePayload Told()
    {
        _room.Updates.Published.TryRead(out var update).ShouldBeTrue();
        return update!;
    }
}
