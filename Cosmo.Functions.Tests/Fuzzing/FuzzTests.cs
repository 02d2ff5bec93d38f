using System.Text;
using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using CsCheck;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using NSubstitute;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Fuzzing;

/// <summary>What comes from outside, in any form: nothing throws, what is refused is refused with a reason, and what is taken is taken as it was meant.</summary>
[Trait("kind", "fuzz")]
public sealed class FuzzTests
{
    private const string Message =
        """{"channel":"c1","message_id":"m1","message":"Hi","user":{"id":"ana","roles":["auditor","x"],"name":"Ana"},"score":1.5,"extra":{"a":[1,{"b":null}]}}""";

    private const string Properties =
        """{"ContentType":"application/json","CorrelationId":"c","ReplyTo":"q","MessageId":"m","Type":"t","Priority":5,"Timestamp":{"UnixTime":1683042126},"Headers":{"x-cosmo-attempt":"Mg==","text":"dmFsdWU=","number":3,"x-death":[{"queue":"cXVldWU=","count":2,"reason":"cmVqZWN0ZWQ="}]}}""";

    private static readonly ChatMessageReader Reader = new(Options.Create(new MessagingOptions { RabbitMQUrl = "amqp://localhost", MaxMessageLength = 1000 }));

    [Fact]
    public void A_body_is_a_message_or_refused_with_a_reason() => Fuzz.Run(Foreign.Changed(Message, "{}", "[]", "null"), body =>
    {
        if (!Reader.TryRead(body, out var message, out var rejection))
        {
            rejection!.Reason.ShouldNotBeEmpty();
            return;
        }

        // What was taken can be queued again, and is the same then.
        Reader.TryRead(MessagePublisher.BodyOf(message), out var again, out var fault).ShouldBeTrue(fault?.Reason);
        (again!.Channel, again.MessageId, again.Message, again.Caller.Id).ShouldBe((message.Channel, message.MessageId, message.Message, message.Caller.Id));
        again.Caller.Roles.ShouldBe(message.Caller.Roles);
        AnswerStarter.InstanceId(new MessageAddress(message.Channel, message.MessageId, 1)).Length.ShouldBe(47);
        GroupName.For(message.Channel).Length.ShouldBeInRange(1, 1024);
    });

    [Fact]
    public void Whatever_stands_in_a_field_that_is_ignored_a_message_is_taken_as_it_was_meant() => Fuzz.Run(
        Gen.Select(Foreign.WellFormedText, Foreign.WellFormedText, Foreign.WellFormedText, Foreign.Changed("""{"a":{"b":[1,2,{"c":"d"}]},"e":"f"}""")),
        input =>
        {
            var (channel, id, text, ignored) = input;
            if (!ForeignJson.TryRead(ignored, out _, out _))
            {
                return;
            }

            byte[] body =
            [
                .. "{\"channel\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(channel), .. ",\"before\":"u8, .. ignored, .. ",\"message_id\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(id),
                .. ",\"message\":"u8, .. JsonSerializer.SerializeToUtf8Bytes(text), .. ",\"after\":"u8, .. ignored, .. "}"u8,
            ];
            var isMessage = new[] { channel, id, text }.All(field => !string.IsNullOrWhiteSpace(field)) && channel.Length <= 512 && id.Length <= 512 && text.Length <= 1000;

            Reader.TryRead(body, out var message, out var rejection).ShouldBe(isMessage, rejection?.Reason);
            if (isMessage)
            {
                (message!.Channel, message.MessageId, message.Message, message.Caller.Id).ShouldBe((channel, id, text, null));
            }
        });

    [Fact]
    public void A_client_event_is_a_message_of_its_connections_channel_or_refused() => Fuzz.Run(
        Foreign.Changed("""{"message_id":"m1","message":"Hi","channel":"c1","user":{"id":"eve","roles":["auditor"]}}"""), body =>
        {
            var caller = new Caller("ana", []);
            ChatMessageReader.FindMessageId(body);
            if (Reader.TryReadClientEvent(body, "c1", caller, out var message, out var rejection))
            {
                (message.Channel, message.Caller).ShouldBe(("c1", caller));
            }
            else
            {
                rejection!.Reason.ShouldNotBeEmpty();
            }
        });

    [Fact]
    public void The_properties_of_a_delivery_can_be_kept_whatever_stands_there() => Fuzz.Run(Foreign.Changed(Properties), json =>
    {
        var context = Substitute.For<FunctionContext>();
        context.BindingContext.BindingData.Returns(new Dictionary<string, object?> { ["BasicProperties"] = Encoding.UTF8.GetString(json) });

        var properties = DeliveryProperties.From(context, "queue");

        properties.Attempt.ShouldBeGreaterThanOrEqualTo(1);
        properties.ToBasicProperties([]).Persistent.ShouldBeTrue();
    });

    [Fact]
    public void A_dead_letter_can_be_listed_and_replayed_whatever_it_is() => Fuzz.Run(
        Gen.Select(Foreign.Changed(Message), Gen.Dictionary(HeaderName, HeaderValue)[0, 8]), input =>
        {
            var (body, headers) = input;
            var letter = new BasicGetResult(1, false, "", "queue", 0, new BasicProperties { Headers = headers.ToDictionary(header => header.Key, header => (object?)header.Value) }, body);

            var stored = StoredDeadLetter.Read(letter, "queue");

            stored.Id.ShouldNotBeNullOrEmpty();
            stored.Attempt.ShouldBeGreaterThanOrEqualTo(1);
            stored.Replay(letter).Headers![DeliveryProperties.AttemptHeader].ShouldNotBeNull();
        });

    [Fact]
    public void No_two_channels_share_a_group_or_an_answer() => Fuzz.Run(Gen.Select(Foreign.WellFormedText, Foreign.WellFormedText), pair =>
    {
        var (one, other) = pair;
        if (one != other && one.Length > 0 && other.Length > 0)
        {
            GroupName.For(one).ShouldNotBe(GroupName.For(other));
            RedisKeys.ForChannel("p:", "k", one).ShouldNotBe(RedisKeys.ForChannel("p:", "k", other));
            AnswerStarter.InstanceId(new MessageAddress(one, other, 1)).ShouldNotBe(AnswerStarter.InstanceId(new MessageAddress(other, one, 1)));
        }
    });

    private static Gen<string> HeaderName { get; } = Gen.OneOfConst(
        DeadLetters.IdHeader, DeadLetters.CauseHeader, DeadLetters.ReasonHeader, DeadLetters.FailedAtHeader, DeadLetters.ChannelHeader, DeadLetters.MessageIdHeader,
        DeliveryProperties.AttemptHeader, "x-death", "x-first-death-queue", "x-ms-rabbitmq-requeuecount", "mine");

    /// <summary>Whatever a field of AMQP may hold.</summary>
    private static Gen<object> HeaderValue { get; } = Gen.OneOf(
        Foreign.Text.Select(text => (object)Encoding.UTF8.GetBytes(text)),
        Gen.Byte.Array[0, 20].Select(bytes => (object)bytes),
        Gen.Int.Select(number => (object)number),
        Gen.Long.Select(number => (object)number),
        Gen.Double.Select(number => (object)number),
        Gen.Bool.Select(flag => (object)flag),
        Gen.Long.Select(seconds => (object)new AmqpTimestamp(seconds)),
        Gen.Const((object)new List<object> { new Dictionary<string, object?> { ["queue"] = "queue"u8.ToArray(), ["count"] = long.MaxValue, ["time"] = new AmqpTimestamp(long.MaxValue), ["reason"] = null } }),
        Gen.Const((object)new List<object> { 1, "x"u8.ToArray() }),
        Gen.Const((object)new Dictionary<string, object?> { ["queue"] = 1 }));
}
