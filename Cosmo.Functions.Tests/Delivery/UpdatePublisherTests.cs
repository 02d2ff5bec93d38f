using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Messaging.WebPubSub;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class UpdatePublisherTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromSeconds(5) };
    private readonly WebPubSubServiceClient _webPubSub = Substitute.For<WebPubSubServiceClient>();
    private readonly Queue<Func<Task>> _sends = new();
    private readonly List<UpdatePayload> _sent = [];
    private readonly UpdatePublisher _updates;

    public UpdatePublisherTests()
    {
        _updates = Publisher(_redis.Connection);
        _webPubSub.SendToGroupAsync(
            Arg.Any<string>(), Arg.Any<RequestContent>(), Arg.Any<ContentType>(), Arg.Any<IEnumerable<string>?>(), Arg.Any<string?>(), Arg.Any<RequestContext?>())
            .Returns(async call =>
            {
                using var body = new MemoryStream();
                await call.Arg<RequestContent>().WriteToAsync(body, CancellationToken.None);
                await (_sends.TryDequeue(out var send) ? send() : Task.CompletedTask);
                _sent.Add(JsonSerializer.Deserialize<Update>(body.ToArray(), CosmoJson.Options)!.Payload);
                return Substitute.For<Response>();
            });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_final_update_is_tried_until_it_is_sent_and_noted_as_sent()
    {
        _sends.Enqueue(() => throw new RequestFailedException(503, "away"));
        _sends.Enqueue(() => throw new RequestFailedException(503, "away"));

        (await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation)).ShouldBeTrue();

        _sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        _sent.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_final_update_that_never_left_is_sent_by_whoever_asks_how_the_message_ended()
    {
        // Longer than it is tried.
        for (var i = 0; i < 40; i++)
        {
            _sends.Enqueue(() => throw new RequestFailedException(503, "away"));
        }

        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);
        _sends.Clear();
        _sent.ShouldBeEmpty();

        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        _sent.ShouldHaveSingleItem().Sequence.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_message_that_has_not_ended_has_no_end() => (await _updates.FindEndAsync(Address, Cancellation)).ShouldBeNull();

    [Fact]
    public async Task A_status_is_tried_once_and_can_be_asked_for()
    {
        _sends.Enqueue(() => throw new RequestFailedException(503, "away"));

        (await _updates.PublishAsync(Address, Updates.Started(Address), "started", Cancellation)).ShouldBeTrue();

        _sent.ShouldBeEmpty();
        (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).ShouldHaveSingleItem().Payload.Status.ShouldBe("started");
    }

    [Fact]
    public async Task What_is_said_later_waits_for_what_was_sent_soon()
    {
        var open = new TaskCompletionSource();
        _sends.Enqueue(() => open.Task);
        _updates.SendSoon(Address, new Update("channel", Updates.Started(Address)));

        var later = _updates.PublishAsync(Address, Updates.Responding(Address, "conv_1"), null, Cancellation);
        await _updates.PublishAsync(new MessageAddress("channel", "msg-2", 1), Updates.Processing(Address, "conv_1"), null, Cancellation);
        later.IsCompleted.ShouldBeFalse();
        open.SetResult();
        await later;

        _sent.Select(update => update.Status).ShouldBe(["processing", "started", "responding"]);
    }

    [Fact]
    public async Task Without_Redis_a_final_update_goes_out_without_sequence_and_anything_else_is_an_error()
    {
        await using var nowhere = new RedisConnection(Options.Create(new RedisOptions { Url = "redis://127.0.0.1:1", CallTimeoutSeconds = 1 }));
        var updates = Publisher(nowhere);

        await Should.ThrowAsync<Exception>(updates.PublishAsync(Address, Updates.Started(Address), null, Cancellation)).ContinueWith(
            thrown => (thrown.Result is RedisException or TimeoutException).ShouldBeTrue(), TaskScheduler.Default);
        (await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        _sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.Status.ShouldBe("completed"), it => it.Sequence.ShouldBeNull(), it => it.Timestamp.ShouldBeGreaterThan(0));
    }

    private UpdateLog Log(RedisConnection redis) => new(redis, Options.Create(new DeliveryOptions()), _clock);

    private UpdatePublisher Publisher(RedisConnection redis) =>
        new(Log(redis), _webPubSub, Options.Create(new DeliveryOptions()), _clock, NullLogger<UpdatePublisher>.Instance);
}
