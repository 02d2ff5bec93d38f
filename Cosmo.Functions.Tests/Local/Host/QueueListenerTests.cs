using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Cosmo.Local.Host.Functions;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.Local.Host;

public sealed class QueueListenerTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(20));
    private readonly FakeInvoker _invoker = new();
    private ListenedQueue _queue = null!;

    private CancellationToken Limit => _limit.Token;

    public async ValueTask InitializeAsync() => _queue = await ListenedQueue.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _limit.Dispose();
    }

    [Fact]
    public async Task A_delivery_brings_its_binding_data()
    {
        await using var listeners = await StartAsync(_invoker);
        var properties = new BasicProperties
        {
            MessageId = "m-1",
            CorrelationId = "c-1",
            Type = "chat",
            Priority = 7,
            ReplyTo = "answers",
            Timestamp = new AmqpTimestamp(1683042126),
            Headers = new Dictionary<string, object?> { ["text"] = "value", ["number"] = 3 },
        };

        await _queue.PublishAsync("""{"channel": "c", "count": 2, "nested": {"a": null}, "none": null, "exchange": "mine"}"""u8.ToArray(), properties);

        var data = (await _invoker.NextAsync(Limit)).Input.Metadata;
        data.Where(pair => pair.Key is not ("BasicProperties" or "Body" or "ConsumerTag")).ToDictionary().ShouldBe(
            new Dictionary<string, string>
            {
                ["DeliveryTag"] = "1",
                ["Redelivered"] = "false",
                ["Exchange"] = _queue.Exchange,
                ["RoutingKey"] = ListenedQueue.RoutingKey,
                ["channel"] = "c",
                ["count"] = "2",
                ["nested"] = """{"a": null}""",
            },
            ignoreOrder: true);
        data["ConsumerTag"].ShouldNotBeEmpty();
        data["Body"].ShouldStartWith("""{"channel": "c",""");
        using var basic = JsonDocument.Parse(data["BasicProperties"]);
        Text(basic, "MessageId").ShouldBe("m-1");
        Text(basic, "CorrelationId").ShouldBe("c-1");
        Text(basic, "Type").ShouldBe("chat");
        Text(basic, "ReplyTo").ShouldBe("answers");
        basic.RootElement.GetProperty("Priority").GetInt32().ShouldBe(7);
        basic.RootElement.GetProperty("Timestamp").GetProperty("UnixTime").GetInt64().ShouldBe(1683042126);
        var headers = basic.RootElement.GetProperty("Headers");
        headers.GetProperty("text").GetBytesFromBase64().ShouldBe("value"u8.ToArray());
        headers.GetProperty("number").GetInt32().ShouldBe(3);
    }

    [Fact]
    public async Task A_message_comes_as_text()
    {
        await using var listeners = await StartAsync(_invoker);

        await _queue.PublishAsync("""{"channel":"é"}""");

        (await _invoker.NextAsync(Limit)).Input.Value.ShouldBe("""{"channel":"é"}""");
    }

    [Fact]
    public async Task A_function_that_takes_bytes_gets_them_as_they_came()
    {
        await using var listeners = await StartAsync(_invoker, Metadata.Queue("Receive", dataType: "Binary"));

        await _queue.PublishAsync(new byte[] { 0xC3, 0x28, 0 }, new BasicProperties());

        (await _invoker.NextAsync(Limit)).Input.Value.ShouldBe(new byte[] { 0xC3, 0x28, 0 });
    }

    [Fact]
    public async Task Messages_run_one_at_a_time_in_order()
    {
        var (running, mostAtOnce) = (0, 0);
        var invoker = new FakeInvoker(async _ =>
        {
            mostAtOnce = Math.Max(mostAtOnce, Interlocked.Increment(ref running));
            await _queue.DeliveredAsync(Limit);
            Interlocked.Decrement(ref running);
        });
        var sent = Enumerable.Range(0, 25).Select(number => $"{number}").ToList();
        foreach (var message in sent)
        {
            await _queue.PublishAsync(message);
        }

        // All of them are out for delivery while the first one runs.
        await using var listeners = await StartAsync(invoker);
        var received = new List<string>();
        while (received.Count < sent.Count)
        {
            received.Add((await invoker.NextAsync(Limit)).Text);
        }

        received.ShouldBe(sent);
        mostAtOnce.ShouldBe(1);
    }

    [Fact]
    public async Task A_message_that_fails_five_times_is_dead_lettered_with_the_queues_name_as_its_key()
    {
        var invoker = new FakeInvoker(_ => throw new InvalidOperationException("always"));
        await using var listeners = await StartAsync(invoker);

        await _queue.PublishAsync(
            "bad"u8.ToArray(), new BasicProperties { MessageId = "m-1", Headers = new Dictionary<string, object?> { ["kept"] = true } });

        var letter = await _queue.NextDeadLetterAsync(Limit);
        Encoding.UTF8.GetString(letter.Body.Span).ShouldBe("bad");
        letter.RoutingKey.ShouldBe(_queue.Name);
        letter.BasicProperties.MessageId.ShouldBe("m-1");
        letter.BasicProperties.Headers!["kept"].ShouldBe(true);
        letter.BasicProperties.Headers["x-ms-rabbitmq-requeuecount"].ShouldBe(4);
        invoker.Count.ShouldBe(5);
        (await _queue.CountAsync()).ShouldBe(0u);
    }

    [Fact]
    public async Task A_message_that_fails_goes_behind_those_that_wait_and_says_how_it_came()
    {
        var fails = true;
        var invoker = new FakeInvoker(_ => Interlocked.Exchange(ref fails, false) ? throw new InvalidOperationException("once") : Task.CompletedTask);
        await _queue.PublishAsync("first");
        await _queue.PublishAsync("second");

        await using var listeners = await StartAsync(invoker);

        (await invoker.NextAsync(Limit)).Text.ShouldBe("first");
        (await invoker.NextAsync(Limit)).Text.ShouldBe("second");
        var again = await invoker.NextAsync(Limit);
        again.Text.ShouldBe("first");
        again.Input.Metadata["Exchange"].ShouldBe("");
        again.Input.Metadata["RoutingKey"].ShouldBe(_queue.Name);
    }

    [Fact]
    public async Task The_trace_of_the_producer_goes_on()
    {
        var running = new TaskCompletionSource<Activity?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var invoker = new FakeInvoker(_ =>
        {
            running.SetResult(Activity.Current);
            return Task.CompletedTask;
        });
        await using var listeners = await StartAsync(invoker);

        await _queue.PublishAsync("traced"u8.ToArray(), new BasicProperties
        {
            Headers = new Dictionary<string, object?> { ["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        });

        var current = await running.Task.WaitAsync(Limit);
        current!.TraceId.ToHexString().ShouldBe("0af7651916cd43dd8448eb211c80319c");
        current.ParentSpanId.ToHexString().ShouldBe("b7ad6b7169203331");
        current.Recorded.ShouldBeTrue();
    }

    [Fact]
    public async Task The_listener_waits_until_its_queue_exists()
    {
        await using var late = await ListenedQueue.CreateAsync(declare: false);
        await using var listeners = await StartAsync(_invoker, queue: late.Name);
        await listeners.Logs.WaitForAsync($"cannot listen to queue {late.Name} yet", Limit);

        await late.DeclareAsync();
        await late.PublishAsync("first");

        (await _invoker.NextAsync(Limit)).Text.ShouldBe("first");
    }

    [Fact]
    public async Task Like_the_official_one_the_listener_takes_nothing_any_more_once_the_broker_has_dropped_it()
    {
        await using var listeners = await StartAsync(_invoker);
        await _queue.PublishAsync("before");
        await _invoker.NextAsync(Limit);

        await _queue.DeleteAsync();
        await listeners.Logs.WaitForAsync($"The broker has dropped function Receive from queue {_queue.Name}", Limit);
        await _queue.DeclareAsync();
        await _queue.PublishAsync("after");

        (await _queue.CountAsync()).ShouldBe(1u);
        await listeners.StopAsync();
        await using var restarted = await StartAsync(_invoker);
        (await _invoker.NextAsync(Limit)).Text.ShouldBe("after");
    }

    [Fact]
    public async Task A_stop_lets_the_message_at_work_end_and_leaves_the_rest_in_the_queue()
    {
        var time = new ManualTimeProvider();
        var hasEnded = false;
        var invoker = new FakeInvoker(async _ =>
        {
            // The stop has begun, and then the work goes on for a while.
            await time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
            for (var trips = 0; trips < 20; trips++)
            {
                await _queue.CountAsync();
            }

            hasEnded = true;
        });
        await using var listeners = await StartAsync(invoker, time: time);
        await _queue.PublishAsync("at work");
        await _queue.PublishAsync("waiting");
        await invoker.NextAsync(Limit);

        await listeners.StopAsync();

        hasEnded.ShouldBeTrue();
        (await _queue.CountAsync()).ShouldBe(1u);
        invoker.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_message_whose_function_does_not_end_is_cancelled_and_comes_again()
    {
        var time = new ManualTimeProvider();
        var invoker = new FakeInvoker(invocation => Task.Delay(Timeout.Infinite, invocation.CancellationToken));
        await using var listeners = await StartAsync(invoker, time: time);
        await _queue.PublishAsync("at work");
        await invoker.NextAsync(Limit);

        var stopping = listeners.StopAsync();
        await time.TimerSetForAsync(ShutdownGrace.Length).WaitAsync(Limit);
        time.Advance(ShutdownGrace.Length);
        await stopping.WaitAsync(Limit);

        var next = new FakeInvoker();
        await using var restarted = await StartAsync(next);
        var again = await next.NextAsync(Limit);
        again.Text.ShouldBe("at work");
        again.Input.Metadata["Redelivered"].ShouldBe("true");
        again.Input.Metadata["RoutingKey"].ShouldBe(ListenedQueue.RoutingKey, "the interrupted run is none of the five tries");
    }

    private Task<RunningListeners> StartAsync(FakeInvoker invoker, FunctionDefinition? function = null, string? queue = null, TimeProvider? time = null) =>
        RunningListeners.StartAsync(
            function ?? Metadata.Queue("Receive"), invoker, new() { ["QUEUE"] = queue ?? _queue.Name, ["BROKER"] = ListenedQueue.BrokerUrl }, time);

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();
}
