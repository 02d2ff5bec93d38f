using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Azure.Functions.Worker;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Local.Runtime;

public sealed class QueueListenerTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(20));
    private readonly Received _received = new();
    private TestQueue _queue = null!;

    private CancellationToken Limit => _limit.Token;

    public async ValueTask InitializeAsync() => _queue = await TestQueue.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _limit.Dispose();
    }

    [Fact]
    public async Task A_delivery_brings_its_binding_data()
    {
        await using var host = await StartAsync(typeof(TextFunction));
        var properties = new BasicProperties
        {
            MessageId = "m-1",
            CorrelationId = "c-1",
            Priority = 7,
            ReplyTo = "answers",
            Timestamp = new AmqpTimestamp(1683042126),
            Headers = new Dictionary<string, object?> { ["text"] = "value", ["number"] = 3 },
        };

        await _queue.PublishAsync("""{"channel": "c", "count": 2, "nested": {"a": null}, "none": null, "exchange": "mine"}""", properties);

        var (_, data) = await _received.NextAsync(Limit);
        data.Where(pair => pair.Key is not ("BasicProperties" or "Body" or "ConsumerTag")).ToDictionary().ShouldBe(
            new Dictionary<string, object?>
            {
                ["DeliveryTag"] = "1",
                ["Redelivered"] = "false",
                ["Exchange"] = "",
                ["RoutingKey"] = _queue.Name,
                ["channel"] = "c",
                ["count"] = "2",
                ["nested"] = """{"a": null}""",
                ["none"] = null,
            },
            ignoreOrder: true);
        using var basic = JsonDocument.Parse((string)data["BasicProperties"]!);
        Text(basic, "MessageId").ShouldBe("m-1");
        Text(basic, "CorrelationId").ShouldBe("c-1");
        Text(basic, "ReplyTo").ShouldBe("answers");
        basic.RootElement.GetProperty("Priority").GetInt32().ShouldBe(7);
        basic.RootElement.GetProperty("Timestamp").GetProperty("UnixTime").GetInt64().ShouldBe(1683042126);
        var headers = basic.RootElement.GetProperty("Headers");
        headers.GetProperty("text").GetBytesFromBase64().ShouldBe("value"u8.ToArray());
        headers.GetProperty("number").GetInt32().ShouldBe(3);
    }

    [Theory]
    [InlineData(typeof(TextFunction))]
    [InlineData(typeof(BytesFunction))]
    [InlineData(typeof(RecordFunction))]
    public async Task A_message_binds_to_text_bytes_or_a_class(Type functions)
    {
        await using var host = await StartAsync(functions);

        await _queue.PublishAsync("""{"channel":"é"}""");

        (await _received.NextAsync(Limit)).Message.ShouldContain("é");
    }

    [Fact]
    public async Task Messages_run_one_at_a_time_in_order()
    {
        await using var host = await StartAsync(typeof(SlowFunction));
        var sent = Enumerable.Range(0, 50).Select(number => $"{number}").ToList();

        foreach (var message in sent)
        {
            await _queue.PublishAsync(message);
        }

        var received = new List<string>();
        while (received.Count < sent.Count)
        {
            received.Add((await _received.NextAsync(Limit)).Message);
        }

        received.ShouldBe(sent);
        _received.MostAtOnce.ShouldBe(1);
    }

    [Fact]
    public async Task A_message_that_fails_five_times_is_dead_lettered()
    {
        await using var host = await StartAsync(typeof(FailingFunction));

        await _queue.PublishAsync("bad", new BasicProperties { MessageId = "m-1", Headers = new Dictionary<string, object?> { ["kept"] = true } });

        var letter = await _queue.NextDeadLetterAsync(Limit);
        Encoding.UTF8.GetString(letter.Body.Span).ShouldBe("bad");
        letter.BasicProperties.MessageId.ShouldBe("m-1");
        letter.BasicProperties.Headers!["kept"].ShouldBe(true);
        letter.BasicProperties.Headers["x-ms-rabbitmq-requeuecount"].ShouldBe(4);
        _received.Count.ShouldBe(5);
        (await _queue.CountAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_message_that_fails_goes_behind_those_that_wait()
    {
        _received.FailOnce = "first";
        await _queue.PublishAsync("first");
        await _queue.PublishAsync("second");

        await using var host = await StartAsync(typeof(FailingOnceFunction));

        (await _received.NextAsync(Limit)).Message.ShouldBe("first");
        (await _received.NextAsync(Limit)).Message.ShouldBe("second");
        (await _received.NextAsync(Limit)).Message.ShouldBe("first");
    }

    [Fact]
    public async Task A_message_that_does_not_fit_its_class_counts_as_failed()
    {
        await using var host = await StartAsync(typeof(RecordFunction));

        await _queue.PublishAsync("no json");

        (await _queue.NextDeadLetterAsync(Limit)).BasicProperties.Headers!["x-ms-rabbitmq-requeuecount"].ShouldBe(4);
    }

    [Fact]
    public async Task The_listener_waits_until_its_queue_exists()
    {
        await using var late = await TestQueue.CreateAsync(declare: false);
        await using var host = await StartAsync(typeof(TextFunction), late.Name);
        await host.Logs.WaitForAsync($"cannot listen to queue {late.Name} yet", Limit);

        await late.DeclareAsync();
        await late.PublishAsync("first");

        (await _received.NextAsync(Limit)).Message.ShouldBe("first");
    }

    [Fact]
    public async Task The_listener_outlives_a_queue_that_is_made_anew()
    {
        await using var host = await StartAsync(typeof(TextFunction));
        await _queue.PublishAsync("before");
        await _received.NextAsync(Limit);

        await _queue.DeleteAsync();
        await host.Logs.WaitForAsync($"no longer listens to queue {_queue.Name}", Limit);
        await _queue.DeclareAsync();
        await _queue.PublishAsync("after");

        (await _received.NextAsync(Limit)).Message.ShouldBe("after");
    }

    [Fact]
    public async Task A_stop_lets_the_message_at_work_end_and_leaves_the_rest_in_the_queue()
    {
        var host = await StartAsync(typeof(GatedFunction));
        await _queue.PublishAsync("at work");
        await _queue.PublishAsync("waiting");
        await _received.NextAsync(Limit);

        var stopping = host.DisposeAsync();
        await Task.Delay(100, Limit);
        stopping.IsCompleted.ShouldBeFalse();
        _received.Gate.SetResult();
        await stopping;

        (await _queue.CountAsync()).ShouldBe(1u);
        _received.Count.ShouldBe(1);
    }

    private Task<TestHost> StartAsync(Type functions, string? queue = null) =>
        TestHost.StartAsync(functions, _received, new() { ["QUEUE"] = queue ?? _queue.Name, ["BROKER"] = TestQueue.BrokerUrl });

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();

    internal sealed class Received
    {
        private readonly Channel<(string Message, IReadOnlyDictionary<string, object?> Data)> _messages =
            Channel.CreateUnbounded<(string, IReadOnlyDictionary<string, object?>)>();

        private int _count;
        private int _running;

        public int Count => _count;

        public int MostAtOnce { get; private set; }

        public string? FailOnce { get; set; }

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(string message, FunctionContext? context = null)
        {
            Interlocked.Increment(ref _count);
            _messages.Writer.TryWrite((message, context?.BindingContext.BindingData ?? new Dictionary<string, object?>()));
        }

        public async Task AddSlowlyAsync(string message)
        {
            MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref _running));
            await Task.Yield();
            Interlocked.Decrement(ref _running);
            Add(message);
        }

        public ValueTask<(string Message, IReadOnlyDictionary<string, object?> Data)> NextAsync(CancellationToken cancellationToken) =>
            _messages.Reader.ReadAsync(cancellationToken);
    }

    internal sealed record Update(string Channel);

#pragma warning disable xUnit1013
    internal sealed class TextFunction(Received received)
    {
        [Function("Text")]
        public void Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message, FunctionContext context) => received.Add(message, context);
    }

    internal sealed class BytesFunction(Received received)
    {
        [Function("Bytes")]
        public void Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] byte[] message) => received.Add(Encoding.UTF8.GetString(message));
    }

    internal sealed class RecordFunction(Received received)
    {
        [Function("Record")]
        public Task Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] Update update)
        {
            received.Add(update.Channel);
            return Task.CompletedTask;
        }
    }

    internal sealed class SlowFunction(Received received)
    {
        [Function("Slow")]
        public Task Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message) => received.AddSlowlyAsync(message);
    }

    internal sealed class FailingFunction(Received received)
    {
        [Function("Failing")]
        public void Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message)
        {
            received.Add(message);
            throw new InvalidOperationException("always");
        }
    }

    internal sealed class FailingOnceFunction(Received received)
    {
        [Function("FailingOnce")]
        public void Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message)
        {
            received.Add(message);
            if (received.FailOnce == message)
            {
                received.FailOnce = null;
                throw new InvalidOperationException("once");
            }
        }
    }

    internal sealed class GatedFunction(Received received)
    {
        [Function("Gated")]
        public Task Run([RabbitMQTrigger("%QUEUE%", ConnectionStringSetting = "BROKER")] string message)
        {
            received.Add(message);
            return received.Gate.Task;
        }
    }
}
