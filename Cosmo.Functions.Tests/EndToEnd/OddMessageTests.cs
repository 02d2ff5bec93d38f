using System.Text;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Messaging;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>A delivery ends in an answer, a final update or a dead letter, whatever it holds and whichever way it came.</summary>
public sealed class OddMessageTests(ToolsFixture shared) : SharedStackTest(shared)
{
    private readonly string _channel = $"channel-{Guid.NewGuid():n}";
    private ChatClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _client = await Stack.OpenAsync(_channel);
    }

    public override async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData("", """{"score":NaN}""")]
    [InlineData("\uFEFF", """{"score":-Infinity}""")]
    [InlineData("", """{"mood":"\ud83d"}""")]
    [InlineData("", """{"\ud83d":1}""")]
    [InlineData("", """{"user":{"id":"Ana \ud83d"}}""")]
    [InlineData("", """{"user":{"id":"ana","roles":["\ud83d"]}}""")]
    [InlineData("", """{"user":{"id":"ana","name":"\ud83d","\ud83d":NaN}}""")]
    public async Task What_the_old_workers_producers_send_is_answered(string before, string fields)
    {
        await Stack.Queue.SendAsync(Encoding.UTF8.GetBytes($$"""{{before}}{"channel":"{{_channel}}","message_id":"m1","message":"Hi",{{fields[1..]}}"""));

        (await _client.FinalAsync("m1"))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task Headers_that_are_no_text_cost_nothing()
    {
        await Stack.Queue.SendAsync(
            Message("m1"),
            new BasicProperties { Headers = new Dictionary<string, object?> { ["number"] = 1.5, ["list"] = new List<object?> { 1, new Dictionary<string, object?> { ["a"] = null } } } });

        (await _client.FinalAsync("m1"))["status"]!.GetValue<string>().ShouldBe("completed");
    }

    [Fact]
    public async Task A_field_that_is_ignored_goes_into_no_history_however_deep_or_long_it_is_and_into_the_dead_letter_as_it_came()
    {
        var body = Encoding.UTF8.GetBytes(
            $$"""{"channel":"{{_channel}}","message_id":"m1","message":"Hi","deep":{{new string('[', 500_000)}}{{new string(']', 500_000)}},"long":"{{new string('x', 11 << 20)}}"}""");
        await Stack.FaultAsync("""[{ "status": 400, "body": { "error": { "message": "bad", "code": "bad" } } }]""");
        await Stack.Queue.SendAsync(body);
        var failed = await _client.FinalAsync("m1", seconds: 60);
        var (headers, kept, _) = await Stack.Queue.NextDeadLetterAsync();
        var history = await Stack.HistoryAsync(AnswerStarter.InstanceId(new MessageAddress(_channel, "m1", 1)), Cancellation);

        failed["status"]!.GetValue<string>().ShouldBe("error");
        headers["x-cosmo-cause"].ShouldBe("invalid_request");
        kept.AsSpan().SequenceEqual(body).ShouldBeTrue();
        history.ShouldContain("\"Hi\"");
        history.Length.ShouldBeLessThan(50_000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_dead_letter_that_is_moved_back_as_it_is_is_answered_or_kept_again(bool isSentStraightToTheQueue)
    {
        await Stack.FaultAsync("""[{ "status": 400, "body": { "error": { "message": "bad", "code": "bad" } } }]""");
        await Stack.Queue.SendAsync(Message("m1"));
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            await _client.FinalAsync("m1");
            if (attempt == 2)
            {
                await Stack.FaultAsync("[]");
            }

            await MoveAsync(attempt, isSentStraightToTheQueue);
        }

        (await _client.FinalAsync("m1"))["status"]!.GetValue<string>().ShouldBe("completed");
        (await Stack.Queue.CountDeadLettersAsync()).ShouldBe(0u);
    }

    private byte[] Message(string id) => Encoding.UTF8.GetBytes($$"""{"channel":"{{_channel}}","message_id":"{{id}}","message":"Hello"}""");

    private async Task MoveAsync(int attempt, bool isSentStraightToTheQueue)
    {
        var (headers, body, properties) = await Stack.Queue.NextDeadLetterAsync();
        headers["x-cosmo-attempt"].ShouldBe($"{attempt}");
        await Stack.Queue.Channel.BasicPublishAsync(
            isSentStraightToTheQueue ? "" : Stack.Queue.Exchange,
            isSentStraightToTheQueue ? Stack.Queue.Queue : CosmoQueue.RoutingKey,
            mandatory: true,
            new BasicProperties(properties),
            body,
            Cancellation);
    }
}
