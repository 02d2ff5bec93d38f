using Azure;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class UpdatePublisherTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromSeconds(5) };
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly UpdatePublisher _updates;

    public UpdatePublisherTests() => _updates = Publisher(_redis.Connection);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task A_final_update_is_tried_until_it_is_sent_and_noted_as_sent()
    {
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));

        (await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        _webPubSub.Sent.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_final_update_that_never_left_is_sent_by_whoever_asks_how_the_message_ended()
    {
        // Longer than it is tried.
        for (var i = 0; i < 40; i++)
        {
            _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));
        }

        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);
        _webPubSub.Next.Clear();
        _webPubSub.Sent.ShouldBeEmpty();

        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        _webPubSub.Sent.ShouldHaveSingleItem().Sequence.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_message_that_has_not_ended_has_no_end() => (await _updates.FindEndAsync(Address, Cancellation)).ShouldBeNull();

    [Fact]
    public async Task A_status_is_tried_once_and_can_be_asked_for()
    {
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));

        (await _updates.PublishAsync(Address, Updates.Started(Address), "started", Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldBeEmpty();
        (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).ShouldHaveSingleItem().Payload.Status.ShouldBe("started");
    }

    [Fact]
    public async Task What_is_said_later_waits_for_what_was_sent_soon()
    {
        var open = new TaskCompletionSource();
        var updates = Publisher(_redis.Connection, new ManualTimeProvider());
        _webPubSub.Next.Enqueue(() => open.Task);
        updates.SendSoon(Address, new Update("channel", Updates.Started(Address)));

        var later = updates.PublishAsync(Address, Updates.Responding(Address, "conv_1"), null, Cancellation);
        await updates.PublishAsync(new MessageAddress("channel", "msg-2", 1), Updates.Processing(Address, "conv_1"), null, Cancellation);
        later.IsCompleted.ShouldBeFalse();
        open.SetResult();
        await later;

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["processing", "started", "responding"]);
    }

    [Fact]
    public async Task Text_that_is_under_way_is_given_up_before_a_final_update_of_the_same_process_leaves()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var clock = new ManualTimeProvider();
        var updates = Publisher(_redis.Connection, clock);

        var text = updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimersSetAsync(2);
        final.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));
        await final;
        await text;
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Type.ShouldBe("timeout");
    }

    [Fact]
    public async Task Text_that_leaves_in_time_comes_before_a_final_update_of_the_same_process()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var updates = Publisher(_redis.Connection, new ManualTimeProvider());

        var text = updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        open.SetResult();
        await Task.WhenAll(text, final);

        _webPubSub.Sent.Select(update => update.Type).ShouldBe(["response", "timeout"]);
    }

    [Fact]
    public async Task A_final_update_waits_for_what_another_process_may_still_send_and_no_longer_than_that_is_tried()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var clock = new ManualTimeProvider();
        var (one, other) = (Publisher(_redis.Connection, clock), Publisher(_redis.Connection, clock));

        var text = one.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = other.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimersSetAsync(2);
        clock.Advance(TimeSpan.FromSeconds(3));
        await text;
        final.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));
        await final;
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Type.ShouldBe("timeout");
    }

    [Fact]
    public async Task A_final_update_waits_for_nothing_that_another_process_has_sent()
    {
        await Publisher(_redis.Connection, new ManualTimeProvider()).PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);

        await Publisher(_redis.Connection, new ManualTimeProvider()).PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation);

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["in_progress", "completed"]);
    }

    [Fact]
    public async Task Without_Redis_a_final_update_goes_out_without_sequence_and_anything_else_is_an_error()
    {
        await using var nowhere = new RedisConnection(Options.Create(new RedisOptions { Url = "redis://127.0.0.1:1", CallTimeoutSeconds = 1 }));
        var updates = Publisher(nowhere);

        await Should.ThrowAsync<Exception>(updates.PublishAsync(Address, Updates.Started(Address), null, Cancellation)).ContinueWith(
            thrown => (thrown.Result is RedisException or TimeoutException).ShouldBeTrue(), TaskScheduler.Default);
        (await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.Status.ShouldBe("completed"), it => it.Sequence.ShouldBeNull(), it => it.Timestamp.ShouldBeGreaterThan(0));
    }

    private UpdateLog Log(RedisConnection redis) => new(redis, Options.Create(new DeliveryOptions()), _clock);

    private UpdatePublisher Publisher(RedisConnection redis, ManualTimeProvider? clock = null) =>
        new(Log(redis), _webPubSub, Options.Create(new DeliveryOptions()), clock ?? _clock, NullLogger<UpdatePublisher>.Instance);

    private static async Task WaitForAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            await Task.Delay(5, Cancellation);
        }
    }
}
