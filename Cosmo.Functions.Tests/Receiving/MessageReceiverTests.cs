using System.Text;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
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
        Encoding.UTF8.GetString(input.Body).ShouldBe(body);
        input.Properties.ShouldBe(properties);
        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
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
    public async Task Where_neither_is_possible_it_throws_and_the_queue_keeps_the_message()
    {
        _room.Client.ScheduleNewOrchestrationInstanceAsync(default, default, default, default).ThrowsAsyncForAnyArgs(new IOException("The store is away."));

        await Should.ThrowAsync<IOException>(ReceiveAsync(Message("m1")));

        (await _room.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    private static string Message(string id) => $$"""{"channel":"c1","message_id":"{{id}}","message":"Hello"}""";

    private Task ReceiveAsync(string body, DeliveryProperties? properties = null) =>
        _room.Receiver.ReceiveAsync(Encoding.UTF8.GetBytes(body), properties ?? DeliveryProperties.None, _room.Client, Cancellation);

    private UpdatePayload Told()
    {
        _room.Updates.Published.TryRead(out var update).ShouldBeTrue();
        return update!;
    }
}
