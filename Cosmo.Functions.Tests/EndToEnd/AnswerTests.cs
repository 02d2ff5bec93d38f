using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A message goes through RabbitMQ, and its answer comes through Web PubSub.</summary>
public sealed class AnswerTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private static readonly string[] Fields = ["message", "timestamp", "status", "type", "final_message", "message_id", "thread_id", "sequence"];

    private readonly string _channel = $"channel-{Guid.NewGuid():n}";

    [Fact]
    public async Task A_question_is_answered_in_the_order_and_with_the_fields_of_the_contract()
    {
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        var final = await client.FinalAsync("msg-1");

        var payloads = client.Seen.Select(update => update["payload"]!.AsObject()).ToList();
        payloads.Select(payload => $"{payload["type"]} {payload["status"]}").Where((step, i) => i == 0 || step != $"{payloads[i - 1]["type"]} {payloads[i - 1]["status"]}")
            .ShouldBe(["status started", "status processing", "tool processing", "status responding", "response in_progress", "response completed"]);
        payloads.ShouldAllBe(payload => payload.Select(field => field.Key).Order().SequenceEqual(Fields.Concat(Additions(payload)).Order()));
        payloads[0]["question"]!.GetValue<string>().ShouldBe("Weather in Makati?");
        client.Seen.ShouldAllBe(update => update["channel"]!.GetValue<string>() == _channel && update.Count == 2);
        payloads.Select(payload => payload["sequence"]!.GetValue<long>()).ShouldBeInOrder();
        payloads[0]["thread_id"].ShouldBeNull();
        final["thread_id"]!.GetValue<string>().ShouldStartWith("conv_");
        final["message"]!.GetValue<string>().ShouldContain("Makati");
        var tools = payloads.Where(payload => payload["type"]!.GetValue<string>() == "tool").ToList();
        tools.ShouldAllBe(payload => payload["message"]!.GetValue<string>() == "Executing get_weather...");
        tools.Select(payload => (payload["tool"]!["state"]!.GetValue<string>(), payload["tool"]!["name"]!.GetValue<string>())).ShouldBe([("running", "get_weather"), ("done", "get_weather")]);
        tools.Select(payload => payload["tool"]!["call_id"]!.GetValue<string>()).Distinct().ShouldHaveSingleItem().ShouldStartWith("call_");

        // Each text holds all of the answer so far.
        var texts = payloads.Where(payload => payload["type"]!.GetValue<string>() == "response").Select(payload => payload["message"]!.GetValue<string>()).ToList();
        texts.Zip(texts.Skip(1)).ShouldAllBe(pair => pair.Second.StartsWith(pair.First));
    }

    private static string[] Additions(JsonObject payload) => payload["status"]!.GetValue<string>() switch
    {
        "processing" when payload["type"]!.GetValue<string>() == "tool" => ["tool"],
        "started" => ["question"],
        "completed" => ["usage"],
        _ => [],
    };

    [Fact]
    public async Task A_producer_that_asks_for_it_gets_the_final_update_at_its_queue()
    {
        await using var client = await Stack.OpenAsync(_channel);
        var replies = (await Stack.Queue.Channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, cancellationToken: TestContext.Current.CancellationToken)).QueueName;
        await SendAsync("msg-1", "Hello", "order-1", "final");
        var final = await client.FinalAsync("msg-1");
        await SendAsync("msg-2", "Hello", "order-2", null);
        await client.FinalAsync("msg-2");
        await SendAsync("msg-3", "", "order-3", "final");
        var refused = await client.FinalAsync("msg-3");
        (await Stack.Queue.NextDeadLetterAsync()).Headers["x-cosmo-message-id"].ShouldBe("msg-3");

        var first = await NextAsync();
        (first.Properties.CorrelationId, first.Properties.ContentType, first.Update["channel"]!.GetValue<string>()).ShouldBe(("order-1", "application/json", _channel));
        JsonNode.DeepEquals(first.Update["payload"], final).ShouldBeTrue(first.Update.ToJsonString());
        var second = await NextAsync();
        (second.Properties.CorrelationId, second.Update["payload"]!["error_details"]!.GetValue<string>()).ShouldBe(("order-3", refused["error_details"]!.GetValue<string>()));
        (await Stack.Queue.Channel.BasicGetAsync(replies, autoAck: true, TestContext.Current.CancellationToken)).ShouldBeNull();

        Task SendAsync(string id, string text, string correlationId, string? reply) => Stack.Queue.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(new { channel = _channel, message_id = id, message = text }),
            new BasicProperties { ReplyTo = replies, CorrelationId = correlationId, Headers = reply is null ? null : new Dictionary<string, object?> { ["x-cosmo-reply"] = reply } });

        async Task<(IReadOnlyBasicProperties Properties, JsonObject Update)> NextAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            BasicGetResult? got;
            while ((got = await Stack.Queue.Channel.BasicGetAsync(replies, autoAck: true, limit.Token)) is null)
            {
                await Task.Delay(20, limit.Token);
            }

            return (got.BasicProperties, JsonNode.Parse(got.Body.Span)!.AsObject());
        }
    }

    [Fact]
    public async Task Another_channel_hears_nothing()
    {
        var otherChannel = _channel + "-other";
        await using var other = await Stack.OpenAsync(otherChannel);
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        await client.FinalAsync("msg-1");
        await Stack.Queue.SendAsync(otherChannel, "msg-2", "Hello");
        await other.FinalAsync("msg-2");

        other.Seen.ShouldAllBe(update => update["channel"]!.GetValue<string>() == otherChannel);
    }

    [Fact]
    public async Task A_second_message_is_answered_on_the_same_thread_and_Redis_has_the_keys_of_the_contract()
    {
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Weather in Makati?");
        var first = await client.FinalAsync("msg-1");
        await Stack.Queue.SendAsync(_channel, "msg-2", "and in Cebu?");
        var second = await client.FinalAsync("msg-2");

        second["thread_id"]!.GetValue<string>().ShouldBe(first["thread_id"]!.GetValue<string>());
        second["message"]!.GetValue<string>().ShouldContain("Cebu");
        (await ReadAsync(Stack, "thread:" + _channel)).ShouldBe(first["thread_id"]!.GetValue<string>());
        JsonNode.Parse((await ReadAsync(Stack, "metadata:" + _channel))!)!["message_count"]!.GetValue<int>().ShouldBe(2);
        (await ReadAsync(Stack, "assistant_id")).ShouldNotBeNullOrEmpty();
        (await ExpiryAsync(Stack, "thread:" + _channel)).ShouldNotBeNull().TotalSeconds.ShouldBeInRange(7_776_000 - 60, 7_776_000);
        (await ExpiryAsync(Stack, "metadata:" + _channel)).ShouldNotBeNull().TotalSeconds.ShouldBeInRange(7_776_000 - 60, 7_776_000);
        (await ExpiryAsync(Stack, "assistant_id")).ShouldBeNull();
    }

    [Fact]
    public async Task A_thread_of_the_closed_Assistants_API_is_replaced_and_its_metadata_stays()
    {
        await Stack.Redis.RunAsync(database => database.StringSetAsync(Stack.RedisPrefix + "thread:" + _channel, "thread_abc"), TestContext.Current.CancellationToken);
        await Stack.Redis.RunAsync(
            database => database.StringSetAsync(Stack.RedisPrefix + "metadata:" + _channel, """{"created_at": 1683042123.4, "message_count": 3, "last_message_at": 1683042200.1}"""),
            TestContext.Current.CancellationToken);
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        var final = await client.FinalAsync("msg-1");

        final["status"]!.GetValue<string>().ShouldBe("completed");
        (await ReadAsync(Stack, "thread:" + _channel))!.ShouldStartWith("conv_");
        var metadata = JsonNode.Parse((await ReadAsync(Stack, "metadata:" + _channel))!)!;
        metadata["created_at"]!.GetValue<double>().ShouldBe(1683042123.4);
        metadata["message_count"]!.GetValue<int>().ShouldBe(4);
    }

    [Fact]
    public async Task A_message_that_is_delivered_twice_is_answered_once()
    {
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        await Stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        await client.FinalAsync("msg-1");
        await Stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        await Stack.Queue.SendAsync(_channel, "msg-2", "Hello again");
        await client.FinalAsync("msg-2");

        client.Finals().ShouldBe(["msg-1", "msg-2"]);
        (await Stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    [Theory]
    [InlineData("hello", "not_json", null)]
    [InlineData("[1]", "invalid_message", null)]
    [InlineData("""{"message_id": "m", "message": "x"}""", "invalid_message", null)]
    [InlineData("""{"channel": "CHANNEL", "message_id": 5, "message": "x"}""", "invalid_message", "Field 'message_id' must be a string; it is a number.")]
    [InlineData("""{"channel": "CHANNEL", "message_id": "m"}""", "invalid_message", "Field 'message' is missing.")]
    public async Task A_bad_message_becomes_a_dead_letter_and_the_work_goes_on(string body, string cause, string? told)
    {
        body = body.Replace("CHANNEL", _channel);
        await using var client = await Stack.OpenAsync(_channel);

        await Stack.Queue.SendAsync(Encoding.UTF8.GetBytes(body));
        var letter = await Stack.Queue.NextDeadLetterAsync();
        if (told is not null)
        {
            var update = await client.NextAsync();
            update["type"]!.GetValue<string>().ShouldBe("error");
            update["final_message"]!.GetValue<bool>().ShouldBeTrue();
            update["error_details"]!.GetValue<string>().ShouldBe(told);
        }

        await Stack.Queue.SendAsync(_channel, "msg-1", "Hello");
        (await client.FinalAsync("msg-1"))["status"]!.GetValue<string>().ShouldBe("completed");

        Encoding.UTF8.GetString(letter.Body).ShouldBe(body);
        letter.Headers["x-cosmo-cause"].ShouldBe(cause);
        letter.Headers["x-cosmo-reason"].ShouldNotBeEmpty();
        letter.Headers["x-cosmo-attempt"].ShouldBe("1");
        letter.Headers.Keys.ShouldContain("x-cosmo-failed-at");
    }

    private static async Task<string?> ReadAsync(CosmoStack stack, string key) =>
        await stack.Redis.RunAsync(database => database.StringGetAsync(stack.RedisPrefix + key), TestContext.Current.CancellationToken);

    private static Task<TimeSpan?> ExpiryAsync(CosmoStack stack, string key) =>
        stack.Redis.RunAsync(database => database.KeyTimeToLiveAsync(stack.RedisPrefix + key), TestContext.Current.CancellationToken);
}
