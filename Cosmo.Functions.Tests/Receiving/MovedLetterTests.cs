using System.Text;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Messaging;
using Cosmo.Local.Host.Queues;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Cosmo.Functions.Tests.Receiving;

/// <summary>Dead letters that somebody moves back into the queue as they are, as a shovel or the management page does.</summary>
public sealed class MovedLetterTests : IAsyncLifetime
{
    private const string Body = """{"channel":"c1","message_id":"m1","message":"Hello"}""";

    private ReceivingRoom _room = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private IChannel Broker => _room.Queue.Channel;

    public async ValueTask InitializeAsync() => _room = await ReceivingRoom.OpenAsync();

    public ValueTask DisposeAsync() => _room.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_letter_that_Cosmo_wrote_is_a_new_attempt_each_time_and_says_no_more_of_the_failure(bool isSentStraightToTheQueue)
    {
        await _room.Queue.SendAsync(
            Encoding.UTF8.GetBytes(Body),
            new BasicProperties { CorrelationId = "corr", Headers = new Dictionary<string, object?> { ["x-cosmo-origin"] = "client", ["team"] = "ops", ["x-ms-rabbitmq-requeuecount"] = 1 } });
        var delivery = await TakeAsync();
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            delivery.Attempt.ShouldBe(attempt);
            delivery.CorrelationId.ShouldBe("corr");
            delivery.Headers.Where(header => header.Key != DeliveryProperties.AttemptHeader).ToDictionary()
                .ShouldBe(new Dictionary<string, string> { ["x-cosmo-origin"] = "client", ["team"] = "ops" }, ignoreOrder: true);
            await _room.Receiver.ReceiveAsync(Encoding.UTF8.GetBytes(Body), delivery, _room.Client, Cancellation);
            _room.Started[^1].Address.Attempt.ShouldBe(attempt);

            await _room.DeadLetters.WriteAsync(new DeadLetter(Encoding.UTF8.GetBytes(Body), delivery, "stalled", "why", "c1", "m1"), Cancellation);
            await MoveAsync(isSentStraightToTheQueue);
            delivery = await TakeAsync();
        }
    }

    [Fact]
    public async Task A_letter_that_merely_comes_again_is_the_same_attempt()
    {
        await _room.DeadLetters.WriteAsync(new DeadLetter(Encoding.UTF8.GetBytes(Body), DeliveryProperties.None, "stalled", "why", "c1", "m1"), Cancellation);
        await MoveAsync(isSentStraightToTheQueue: true);

        var first = await TakeAsync(acknowledge: false);
        var again = await TakeAsync();

        (first.Attempt, again.Attempt).ShouldBe((2, 2));
    }

    [Fact]
    public async Task A_letter_of_the_brokers_own_is_a_new_attempt()
    {
        await _room.Queue.SendAsync(Encoding.UTF8.GetBytes(Body), new BasicProperties { Expiration = "1" });
        await MoveAsync(isSentStraightToTheQueue: false);

        var expired = await TakeAsync(reject: true);
        await MoveAsync(isSentStraightToTheQueue: true);
        var rejected = await TakeAsync();

        expired.Attempt.ShouldBe(2);

        // RabbitMQ counts on what a client published from 3 on; 4 begins anew, but this attempt has not been taken in.
        rejected.Attempt.ShouldBeGreaterThanOrEqualTo(2);
        expired.Headers.Keys.ShouldNotContain(name => name.StartsWith("x-", StringComparison.Ordinal) && name != DeliveryProperties.AttemptHeader);
    }

    [Fact]
    public async Task What_died_in_another_queue_on_its_way_is_a_first_delivery()
    {
        var queue = (await Broker.QueueDeclareAsync(
            arguments: new Dictionary<string, object?>
            {
                ["x-dead-letter-exchange"] = _room.Queue.Exchange,
                ["x-dead-letter-routing-key"] = CosmoQueue.RoutingKey,
            },
            cancellationToken: Cancellation)).QueueName;

        await Broker.BasicPublishAsync("", queue, mandatory: true, new BasicProperties { Expiration = "1" }, Encoding.UTF8.GetBytes(Body), Cancellation);

        (await TakeAsync()).Attempt.ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"Priority": "high", "Timestamp": {"UnixTime": "noon"}, "Type": "chat"}""")]
    [InlineData("""{"Priority": {}, "Timestamp": [], "Headers": 5, "Type": "chat", "ReplyTo": "\ud83d"}""")]
    [InlineData("""{"Priority": 300, "Timestamp": {"UnixTime": 1e99}, "Headers": {"x-death": [5, {"queue": 7, "count": "x"}], "\ud83d": "\ud83d"}, "Type": "chat"}""")]
    [InlineData("""{"Priority": NaN, "Timestamp": null, "Type": "chat"}""")]
    public void Properties_that_are_not_what_they_should_be_are_left_out(string json)
    {
        var properties = Read(json);

        (properties.Type, properties.Priority, properties.Timestamp, properties.ReplyTo, properties.Attempt).ShouldBe(("chat", null, null, null, 1));
        properties.Headers.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("[]")]
    public void Properties_that_are_none_are_none(string json) => Read(json).ShouldSatisfyAllConditions(it => it.Type.ShouldBeNull(), it => it.Headers.ShouldBeEmpty());

    /// <summary>Takes the next dead letter and publishes it with its properties and headers as they are.</summary>
    private async Task MoveAsync(bool isSentStraightToTheQueue)
    {
        BasicGetResult? letter;
        while ((letter = await Broker.BasicGetAsync(_room.Queue.FailedQueue, autoAck: true, Cancellation)) is null)
        {
            await Task.Delay(20, Cancellation);
        }

        await Broker.BasicPublishAsync(
            isSentStraightToTheQueue ? "" : _room.Queue.Exchange,
            isSentStraightToTheQueue ? _room.Queue.Queue : CosmoQueue.RoutingKey,
            mandatory: true,
            new BasicProperties(letter.BasicProperties),
            letter.Body,
            Cancellation);
    }

    /// <summary>The next delivery's properties, read as the trigger reads them.</summary>
    private async Task<DeliveryProperties> TakeAsync(bool acknowledge = true, bool reject = false)
    {
        BasicGetResult? got;
        while ((got = await Broker.BasicGetAsync(_room.Queue.Queue, autoAck: false, Cancellation)) is null)
        {
            await Task.Delay(20, Cancellation);
        }

        if (reject)
        {
            await Broker.BasicRejectAsync(got.DeliveryTag, requeue: false, Cancellation);
        }
        else if (acknowledge)
        {
            await Broker.BasicAckAsync(got.DeliveryTag, multiple: false, Cancellation);
        }
        else
        {
            await Broker.BasicNackAsync(got.DeliveryTag, multiple: false, requeue: true, Cancellation);
        }

        return Read(MessageBindingData.Of(
            new BasicDeliverEventArgs("consumer", got.DeliveryTag, got.Redelivered, got.Exchange, got.RoutingKey, got.BasicProperties, got.Body, Cancellation))["BasicProperties"]);
    }

    private DeliveryProperties Read(string basicProperties) => Deliveries.Read(basicProperties, _room.Queue.Queue);
}
