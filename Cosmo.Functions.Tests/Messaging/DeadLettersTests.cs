using System.Text;
using System.Text.Json;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Local.Terminal;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests.Messaging;

public sealed class DeadLettersTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private CosmoQueue _queue = null!;
    private RabbitMQPublisher _rabbitMQ = null!;
    private Topology _topology = null!;
    private DeadLetters _deadLetters = null!;

    public async ValueTask InitializeAsync()
    {
        _queue = await CosmoQueue.ConnectAsync();
        var options = _queue.OptionsAt();
        _rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        _topology = new Topology(_rabbitMQ, options, _clock, NullLogger<Topology>.Instance);
        _deadLetters = new DeadLetters(_rabbitMQ, options, _clock, NullLogger<DeadLetters>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        _topology.Dispose();
        await _rabbitMQ.DisposeAsync();
        await _queue.DisposeAsync();
    }

    [Fact]
    public async Task The_topology_is_the_contracts_to_the_argument()
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);

        // A declaration with other arguments would be refused.
        await _queue.Channel.ExchangeDeclareAsync(_queue.Exchange, "direct", durable: true);
        await _queue.Channel.ExchangeDeclareAsync(_queue.Exchange + "_dlx", "direct", durable: true);
        await _queue.Channel.QueueDeclareAsync(_queue.FailedQueue, durable: true, exclusive: false, autoDelete: false);
        await _queue.Channel.QueueDeclareAsync(_queue.Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>
        {
            ["x-max-priority"] = 10,
            ["x-message-ttl"] = 3600000,
            ["x-dead-letter-exchange"] = _queue.Exchange + "_dlx",
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_expires_in_the_queue_is_kept_whichever_way_it_came(bool isSentStraightToTheQueue)
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);

        await _queue.Channel.BasicPublishAsync(
            isSentStraightToTheQueue ? "" : _queue.Exchange,
            isSentStraightToTheQueue ? _queue.Queue : CosmoQueue.RoutingKey,
            mandatory: true,
            new BasicProperties { Expiration = "1" },
            Encoding.UTF8.GetBytes("late"),
            TestContext.Current.CancellationToken);

        Encoding.UTF8.GetString((await _queue.NextDeadLetterAsync()).Body).ShouldBe("late");
    }

    [Fact]
    public async Task What_a_consumer_rejects_is_kept_though_it_was_sent_straight_to_the_queue()
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);
        await _queue.Channel.BasicPublishAsync("", _queue.Queue, mandatory: true, new BasicProperties(), Encoding.UTF8.GetBytes("bad"), TestContext.Current.CancellationToken);

        var delivery = await _queue.Channel.BasicGetAsync(_queue.Queue, autoAck: false, TestContext.Current.CancellationToken);
        await _queue.Channel.BasicRejectAsync(delivery!.DeliveryTag, requeue: false, TestContext.Current.CancellationToken);

        Encoding.UTF8.GetString((await _queue.NextDeadLetterAsync()).Body).ShouldBe("bad");
    }

    [Fact]
    public void The_definitions_for_a_broker_of_ones_own_bind_the_failed_queue_for_both_keys()
    {
        var names = new MessagingOptions();
        using var definitions = JsonDocument.Parse(File.ReadAllText(Path.Combine(CosmoScript.Root, "infra", "rabbitmq-definitions.json")));

        definitions.RootElement.GetProperty("bindings").EnumerateArray()
            .Select(binding => (binding.GetProperty("source").GetString(), binding.GetProperty("destination").GetString(), binding.GetProperty("routing_key").GetString()))
            .ShouldBe(
            [
                (names.Exchange, names.Queue, names.RoutingKey),
                (names.DeadLetterExchange, names.FailedQueue, names.RoutingKey),
                (names.DeadLetterExchange, names.FailedQueue, names.Queue),
            ]);
    }

    [Fact]
    public async Task A_message_that_no_queue_takes_costs_nobody_else_the_channel()
    {
        IChannel? before = null;
        IChannel? after = null;
        await _rabbitMQ.RunAsync((channel, _) => Task.FromResult(before = channel), TestContext.Current.CancellationToken);

        await Should.ThrowAsync<PublishException>(
            _rabbitMQ.PublishAsync("", "no-such-queue", new BasicProperties(), Encoding.UTF8.GetBytes("x"), TestContext.Current.CancellationToken));

        await _rabbitMQ.RunAsync((channel, _) => Task.FromResult(after = channel), TestContext.Current.CancellationToken);
        after.ShouldBeSameAs(before);
        after!.IsOpen.ShouldBeTrue();
    }

    [Fact]
    public async Task A_queue_with_other_arguments_is_used_as_it_is()
    {
        await _queue.Channel.QueueDeclareAsync(_queue.Queue, durable: true, exclusive: false, autoDelete: false);

        await Should.ThrowAsync<OperationInterruptedException>(_topology.DeclareAsync(TestContext.Current.CancellationToken));
        await _topology.StartAsync(TestContext.Current.CancellationToken);
        await _topology.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_dead_letter_has_the_body_and_the_properties_of_the_message_and_says_why_and_when()
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);
        byte[] body = [0xff, 0, .. "text"u8];
        var properties = new DeliveryProperties("text/plain", "corr", "answers", "id", "kind", 7, "gzip", "app", 1683042126, new Dictionary<string, string> { ["x-team"] = "ops", ["x-cosmo-attempt"] = "2" });

        await _deadLetters.WriteAsync(new DeadLetter(body, properties, "stalled", "Response stream interrupted", "channel ü", "msg-1"), TestContext.Current.CancellationToken);
        var (headers, kept, basic) = await _queue.NextDeadLetterAsync();

        kept.ShouldBe(body);
        (basic.ContentType, basic.CorrelationId, basic.ReplyTo, basic.MessageId, basic.Type, basic.Priority, basic.Persistent)
            .ShouldBe(("text/plain", "corr", "answers", "id", "kind", (byte)7, true));
        (basic.ContentEncoding, basic.AppId, basic.Timestamp.UnixTime).ShouldBe(("gzip", "app", 1683042126));
        headers["x-cosmo-cause"].ShouldBe("stalled");
        headers["x-cosmo-reason"].ShouldBe("Response stream interrupted");
        headers["x-cosmo-failed-at"].ShouldBe("2026-01-31T12:00:00.0000000+00:00");
        headers["x-cosmo-attempt"].ShouldBe("2");
        headers["x-cosmo-channel"].ShouldBe("channel ü");
        headers["x-cosmo-message-id"].ShouldBe("msg-1");
        headers["x-team"].ShouldBe("ops");
    }

    [Theory]
    [InlineData(null, 1000)]
    [InlineData("letter-1", 1001)]
    public async Task A_dead_letter_has_an_id_names_no_message_that_is_not_known_and_a_reason_of_1000_characters_at_most(string? id, int length)
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);

        await _deadLetters.WriteAsync(new DeadLetter([1], DeliveryProperties.None, "cause", new string('x', length), null, null) { Id = id }, TestContext.Current.CancellationToken);
        var (headers, _, _) = await _queue.NextDeadLetterAsync();

        headers["x-cosmo-reason"].Length.ShouldBe(1000);
        headers["x-cosmo-id"].ShouldMatch(id ?? "^[0-9a-f]{32}$");
        headers.Keys.ShouldNotContain("x-cosmo-channel");
        headers.Keys.ShouldNotContain("x-cosmo-message-id");
    }

    [Fact]
    public async Task Who_consumes_is_counted_and_where_there_is_no_queue_nobody_does()
    {
        (await _topology.CountConsumersAsync(TestContext.Current.CancellationToken)).ShouldBe(0u);
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);
        (await _topology.CountConsumersAsync(TestContext.Current.CancellationToken)).ShouldBe(0u);

        await _queue.Channel.BasicConsumeAsync(_queue.Queue, autoAck: true, new RabbitMQ.Client.Events.AsyncEventingBasicConsumer(_queue.Channel), TestContext.Current.CancellationToken);

        (await _topology.CountConsumersAsync(TestContext.Current.CancellationToken)).ShouldBe(1u);
    }

    [Fact]
    public async Task While_the_broker_is_away_the_start_goes_on_and_what_it_lacks_is_declared_when_it_is_back()
    {
        var options = _queue.OptionsAt("amqp://127.0.0.1:1");
        await using var rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        using var topology = new Topology(rabbitMQ, options, _clock, NullLogger<Topology>.Instance);

        await topology.StartAsync(TestContext.Current.CancellationToken);
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(5));
        await Should.ThrowAsync<BrokerUnreachableException>(() => topology.CountConsumersAsync(TestContext.Current.CancellationToken));
        options.Value.RabbitMQUrl = CosmoQueue.Url;
        _clock.Advance(TimeSpan.FromSeconds(5));
        await topology.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await _queue.Channel.QueueDeclarePassiveAsync(_queue.Queue, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_broker_that_says_nothing_is_given_up_after_ten_seconds_or_when_the_caller_is(bool isCaller)
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        await using var rabbitMQ = new RabbitMQPublisher(_queue.OptionsAt($"amqp://127.0.0.1:{((System.Net.IPEndPoint)silent.LocalEndpoint).Port}"), _clock);
        using var giveUp = new CancellationTokenSource();

        var publishing = rabbitMQ.PublishAsync("", "queue", new BasicProperties(), new byte[1], giveUp.Token);
        await _clock.TimerSetForAsync(TimeSpan.FromSeconds(10));
        publishing.IsCompleted.ShouldBeFalse();
        if (isCaller)
        {
            giveUp.Cancel();
            await Should.ThrowAsync<OperationCanceledException>(publishing);
        }
        else
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            (await Should.ThrowAsync<TimeoutException>(publishing)).Message.ShouldBe("RabbitMQ did not answer within 10 s.");
        }
    }

    [Fact]
    public async Task After_a_failure_the_next_call_has_another_channel()
    {
        IChannel? before = null;
        IChannel? after = null;
        await Should.ThrowAsync<InvalidDataException>(_rabbitMQ.RunAsync(
            (channel, _) =>
            {
                before = channel;
                throw new InvalidDataException();
            },
            TestContext.Current.CancellationToken));

        await _rabbitMQ.RunAsync((channel, _) => Task.FromResult(after = channel), TestContext.Current.CancellationToken);

        after.ShouldNotBeSameAs(before);
        (before!.IsOpen, after!.IsOpen).ShouldBe((false, true));
    }

    [Fact]
    public async Task A_dead_letter_that_no_queue_takes_is_an_error()
    {
        await _topology.DeclareAsync(TestContext.Current.CancellationToken);
        await _queue.Channel.QueueDeleteAsync(_queue.FailedQueue);

        await Should.ThrowAsync<PublishException>(_deadLetters.WriteAsync(
            new DeadLetter(Encoding.UTF8.GetBytes("x"), DeliveryProperties.None, "cause", "reason", null, null), TestContext.Current.CancellationToken));
    }
}
