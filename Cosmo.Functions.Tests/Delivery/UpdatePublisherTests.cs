using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Azure;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class UpdatePublisherTests : IAsyncDisposable
{
    private static readonly MessageAddress Address = new("channel", "msg-1", 1);

    /// <summary>What never leaves is a failure and no standstill.</summary>
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(30));
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromSeconds(5) };
    private readonly RecordingWebPubSub _webPubSub = new();
    private readonly UpdatePublisher _updates;

    public UpdatePublisherTests() => _updates = Publisher(_redis.Connection);

    private CancellationToken Cancellation => _limit.Token;

    public ValueTask DisposeAsync()
    {
        _limit.Dispose();
        return _redis.DisposeAsync();
    }

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
    public async Task What_was_said_before_or_comes_after_the_end_is_not_said_and_its_sender_knows()
    {
        (await _updates.PublishAsync(Address, Updates.Started(Address), "started", Cancellation)).ShouldBeTrue();
        (await _updates.PublishAsync(Address, Updates.Started(Address), "started", Cancellation)).ShouldBeFalse();
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await _updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), once: null, Cancellation)).ShouldBeFalse();

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["started", "completed"]);
    }

    [Fact]
    public async Task An_end_that_is_not_kept_any_more_is_an_end()
    {
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "updates:{channel}"), Cancellation);

        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("");
        _webPubSub.Sent.ShouldHaveSingleItem();
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
    public async Task A_text_goes_behind_the_status_that_it_is_recorded_with()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var updates = Publisher(_redis.Connection, new ManualTimeProvider());

        var told = updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), default, Updates.Responding(Address, "conv_1"), Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        told.IsCompleted.ShouldBeFalse();
        open.SetResult();
        (await told).ShouldNotBeNull();

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["responding", "in_progress"]);
        _webPubSub.Sent[1].Sequence.ShouldBe(_webPubSub.Sent[0].Sequence + 1);
        (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).Select(update => update.Payload.Status).ShouldBe(["responding", "in_progress"]);
    }

    [Theory]
    [InlineData(true, true, "")]
    [InlineData(false, false, "responding in_progress")]
    [InlineData(true, false, "in_progress")]
    [InlineData(false, true, "")]
    public async Task A_text_leaves_before_its_status_is_confirmed_and_what_is_refused_goes_by_REST_but_never_behind_what_followed_it(
        bool isStatusTaken, bool isTextTaken, string byRest)
    {
        await using var service = await SlowService.StartAsync(Cancellation);
        var updates = new UpdatePublisher(
            Log(_redis.Connection), service.Connection, service.Client, _webPubSub.Listeners(_redis.Connection, service.Clock), Options.Create(new DeliveryOptions()), service.Clock,
            NullLogger<UpdatePublisher>.Instance);
        await ConnectedAsync(updates, service);

        var told = updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), default, Updates.Responding(Address, "conv_1"), Cancellation);
        var (status, text) = (await service.NextAsync(Cancellation), await service.NextAsync(Cancellation));
        (status.Status, text.Status).ShouldBe(("responding", "in_progress"));
        await service.ConfirmAsync(status.AckId, isStatusTaken);
        await service.ConfirmAsync(text.AckId, isTextTaken);
        foreach (var expected in byRest.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            (await service.NextByRestAsync(Cancellation)).ShouldBe(expected);
        }

        (await told).ShouldNotBeNull();
        service.IsRestQuiet.ShouldBeTrue();
    }

    [Fact]
    public async Task A_status_is_said_once_however_often_a_text_begins()
    {
        for (var i = 0; i < 2; i++)
        {
            (await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), default, Updates.Responding(Address, "conv_1"), Cancellation)).ShouldNotBeNull();
        }

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["responding", "in_progress", "in_progress"]);
    }

    [Fact]
    public async Task Neither_a_text_nor_its_status_is_said_of_a_message_that_is_over()
    {
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        (await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), default, Updates.Responding(Address, "conv_1"), Cancellation)).ShouldBeNull();

        _webPubSub.Sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
        (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Text_that_is_under_way_is_given_up_before_a_final_update_of_the_same_process_leaves(bool isRedisAwayByThen)
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var clock = new ManualTimeProvider();
        await using var failing = new FailingRedis(_redis.Prefix, "refused", call: 2);
        var updates = Publisher(isRedisAwayByThen ? failing : _redis.Connection, clock);

        var text = updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimerSetForAsync(TimeSpan.FromSeconds(1));
        final.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(final, text).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Type.ShouldBe("timeout");
    }

    [Fact]
    public async Task Text_that_leaves_in_time_comes_before_a_final_update_of_the_same_process()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var clock = new ManualTimeProvider();
        var updates = Publisher(_redis.Connection, clock);

        var text = updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimerSetForAsync(TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
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
        await clock.TimersSetAsync(2).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        clock.Advance(TimeSpan.FromSeconds(3));
        await text;
        final.IsCompleted.ShouldBeFalse();
        _webPubSub.Sent.ShouldBeEmpty();
        clock.Advance(TimeSpan.FromSeconds(1));
        await final;
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Type.ShouldBe("timeout");
    }

    [Fact]
    public async Task It_waits_for_the_youngest_of_them()
    {
        var open = new TaskCompletionSource();
        var clock = new ManualTimeProvider();
        var (one, other) = (Publisher(_redis.Connection, clock), Publisher(_redis.Connection, clock));
        var texts = new List<Task>();
        foreach (var text in (string[])["Hel", "Hello"])
        {
            _webPubSub.Next.Enqueue(() => open.Task);
            texts.Add(one.PublishAsync(Address, Updates.Text(Address, "conv_1", text), null, Cancellation));
            await WaitForAsync(() => _webPubSub.Next.Count == 0);
        }

        // Redis says how long ago they were recorded, by its own clock.
        await _redis.Connection.RunAsync(
            async database =>
            {
                var fence = (RedisKey)Log(_redis.Connection).FenceKey(Address);
                var ways = (await database.HashGetAllAsync(fence)).Where(field => field.Name.StartsWith("way:")).OrderBy(field => (string)field.Name!, StringComparer.Ordinal).ToList();
                foreach (var (way, age) in ways.Zip((int[])[2000, 1000]))
                {
                    await database.HashSetAsync(fence, way.Name, (long)way.Value - age);
                }

                return true;
            },
            Cancellation);
        var final = other.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimersSetAsync(3).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        clock.Advance(TimeSpan.FromSeconds(2.2));
        await _redis.PassAsync(Cancellation);
        _webPubSub.Sent.ShouldBeEmpty();
        clock.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll([final, .. texts]);
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Type.ShouldBe("timeout");
    }

    [Fact]
    public async Task A_send_that_does_not_heed_that_it_is_given_up_is_waited_for()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        _webPubSub.GivenUp = new TaskCompletionSource();
        var clock = new ManualTimeProvider();
        var updates = Publisher(_redis.Connection, clock);

        var text = updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        var final = updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);
        await clock.TimerSetForAsync(TimeSpan.FromSeconds(1)).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        clock.Advance(TimeSpan.FromSeconds(1));
        await _webPubSub.GivenUp.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        await _redis.PassAsync(Cancellation);
        _webPubSub.Sent.ShouldBeEmpty();
        open.SetResult();
        await Task.WhenAll(text, final);

        _webPubSub.Sent.Select(update => update.Type).ShouldBe(["response", "timeout"]);
    }

    [Fact]
    public async Task So_does_one_that_is_sent_by_whoever_asks_how_the_message_ended()
    {
        var open = new TaskCompletionSource();
        _webPubSub.Next.Enqueue(() => open.Task);
        var clock = new ManualTimeProvider();
        var (one, other) = (Publisher(_redis.Connection, clock), Publisher(_redis.Connection, clock));

        var text = one.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);
        await WaitForAsync(() => _webPubSub.Next.Count == 0);
        await Log(_redis.Connection).RecordAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation);
        var asking = other.FindEndAsync(Address, Cancellation);
        await clock.TimersSetAsync(2).WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        clock.Advance(TimeSpan.FromSeconds(3));
        await text;
        asking.IsCompleted.ShouldBeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));
        (await asking).ShouldBe("completed");
        open.SetResult();

        _webPubSub.Sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
    }

    [Fact]
    public async Task A_final_update_waits_for_nothing_that_another_process_has_sent()
    {
        await Publisher(_redis.Connection, new ManualTimeProvider()).PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation);

        await Publisher(_redis.Connection, new ManualTimeProvider()).PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)
            .WaitAsync(TimeSpan.FromSeconds(10), Cancellation);

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["in_progress", "completed"]);
    }

    [Fact]
    public async Task Without_Redis_a_final_update_goes_out_without_sequence_and_anything_else_is_an_error()
    {
        await using var nowhere = TestRedis.Nowhere();
        var updates = Publisher(nowhere);

        await Should.ThrowAsync<Exception>(updates.PublishAsync(Address, Updates.Started(Address), null, Cancellation)).ContinueWith(
            thrown => (thrown.Result is RedisException or TimeoutException).ShouldBeTrue(), TaskScheduler.Default);
        (await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello") with { Sequence = 6 }, null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.Status.ShouldBe("completed"), it => it.Sequence.ShouldBeNull(), it => it.Timestamp.ShouldBeGreaterThan(0));
    }

    /// <summary>A process that stood still looks at its clock before it looks at what has come meanwhile.</summary>
    [Theory]
    [InlineData("late")]
    [InlineData("broken")]
    public async Task A_final_update_whose_record_was_answered_too_late_goes_out_with_its_sequence(string failure)
    {
        await using var redis = new FailingRedis(_redis.Prefix, failure, call: 1);
        var updates = Publisher(redis);

        (await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        var recorded = (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).ShouldHaveSingleItem().Payload.Sequence;
        _webPubSub.Sent.ShouldHaveSingleItem().Sequence.ShouldBe(recorded.ShouldNotBeNull());
    }

    [Fact]
    public async Task What_Redis_refuses_is_not_asked_for_once_more_and_the_final_update_goes_out_without_sequence()
    {
        await using var redis = new FailingRedis(_redis.Prefix, "refused", call: 1);

        (await Publisher(redis).PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldHaveSingleItem().Sequence.ShouldBeNull();
        redis.Calls.ShouldBe(1);
    }

    [Theory]
    [InlineData("late")]
    [InlineData("broken")]
    [InlineData("refused")]
    public async Task A_final_update_that_left_and_could_not_be_noted_as_sent_is_no_failure(string failure)
    {
        await using var redis = new FailingRedis(_redis.Prefix, failure, call: 2);

        (await Publisher(redis).PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.ShouldHaveSingleItem().Status.ShouldBe("completed");
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe("completed");
        _webPubSub.Sent.Count.ShouldBe(2, "Nobody knew that it was sent.");
    }

    [Theory]
    [InlineData("late")]
    [InlineData("broken")]
    [InlineData("refused")]
    public async Task A_text_that_left_and_could_not_be_noted_as_settled_is_no_failure_and_the_final_update_leaves_behind_it(string failure)
    {
        await using var redis = new FailingRedis(_redis.Prefix, failure, call: 2);
        var updates = Publisher(redis);

        (await updates.PublishAsync(Address, Updates.Text(Address, "conv_1", "Hel"), null, Cancellation)).ShouldBeTrue();
        (await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation)).ShouldBeTrue();

        _webPubSub.Sent.Select(update => update.Status).ShouldBe(["in_progress", "completed"]);
    }

    [Fact]
    public async Task Who_gives_up_before_it_has_left_is_told_so_and_who_does_after_it_is_not()
    {
        foreach (var hasLeft in (bool[])[false, true])
        {
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            _webPubSub.Next.Enqueue(() =>
            {
                giveUp.Cancel();
                return hasLeft ? Task.CompletedTask : Task.FromCanceled(giveUp.Token);
            });

            var publishing = _updates.PublishAsync(Address, Updates.Processing(Address, "conv_1"), null, giveUp.Token);

            await (hasLeft ? (Task)publishing : Should.ThrowAsync<OperationCanceledException>(publishing));
        }

        _webPubSub.Sent.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_gives_up_while_what_ends_a_message_is_sent_is_told_so_and_it_counts_as_not_sent(bool isRejection)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        _webPubSub.Next.Enqueue(() =>
        {
            giveUp.Cancel();
            return Task.FromCanceled(giveUp.Token);
        });

        await Should.ThrowAsync<OperationCanceledException>(isRejection
            ? _updates.PublishRejectionAsync("channel", Updates.Rejected(null, "Sorry.", "no JSON"), giveUp.Token)
            : _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, giveUp.Token));

        _webPubSub.Sent.ShouldBeEmpty();
        (await _updates.FindEndAsync(Address, Cancellation)).ShouldBe(isRejection ? null : "completed");
        _webPubSub.Sent.Count.ShouldBe(isRejection ? 0 : 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_never_taken_in_is_told_once_with_or_without_Redis(bool isThere)
    {
        await using var nowhere = TestRedis.Nowhere();
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));

        foreach (var _ in Enumerable.Range(0, 2))
        {
            await Publisher(isThere ? _redis.Connection : nowhere).PublishRejectionAsync("channel", Updates.Rejected(null, "Sorry.", "no JSON"), Cancellation);
        }

        _webPubSub.Sent.ShouldHaveSingleItem().ShouldSatisfyAllConditions(it => it.Message.ShouldBe("Sorry."), it => it.Sequence.HasValue.ShouldBe(isThere), it => it.Timestamp.ShouldBe(_clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0));
        (await Log(_redis.Connection).ReadAsync("channel", 0, Cancellation)).Count.ShouldBe(isThere ? 2 : 0);
    }

    [Fact]
    public async Task The_newest_text_of_a_message_and_whether_it_is_over_can_be_asked_for()
    {
        (await _updates.FindTextAsync(Address, Cancellation)).ShouldBeNull();
        (await _updates.IsOverAsync(Address, Cancellation)).ShouldBeFalse();
        await SayAsync(_updates, "Hel", "Hello");
        (await _updates.FindTextAsync(Address, Cancellation)).ShouldBe("Hello");

        await _updates.PublishAsync(Address, Updates.Timeout(Address, "conv_1", "Late.", "late"), null, Cancellation);

        (await _updates.FindTextAsync(Address, Cancellation)).ShouldBeNull();
        (await _updates.IsOverAsync(Address, Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task Each_try_is_a_span_and_a_measurement_which_tell_its_fault()
    {
        var own = new AsyncLocal<bool> { Value = true };
        var (spans, counted, measured) = (new ConcurrentQueue<Activity>(), new ConcurrentQueue<object?>(), new ConcurrentQueue<(double Seconds, object? Fault)>());
        using var traces = new ActivityListener { ShouldListenTo = source => source.Name == Telemetry.Name, Sample = (ref _) => ActivitySamplingResult.AllData, ActivityStopped = span => { if (own.Value && span.OperationName == "send cosmo") { spans.Enqueue(span); } } };
        ActivitySource.AddActivityListener(traces);
        using var metrics = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument == Telemetry.SentMessages || instrument == Telemetry.SendDuration) { listener.EnableMeasurementEvents(instrument); } } };
        metrics.SetMeasurementEventCallback<long>((_, count, tags, _) => { if (own.Value && count == 1 && Of(tags, "messaging.destination.name") is "cosmo") { counted.Enqueue(Of(tags, "error.type")); } });
        metrics.SetMeasurementEventCallback<double>((_, seconds, tags, _) => { if (own.Value && Of(tags, "messaging.operation.name") is "send") { measured.Enqueue((seconds, Of(tags, "error.type"))); } });
        metrics.Start();
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));

        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), once: null, Cancellation);

        counted.ShouldBe([nameof(RequestFailedException), null]);
        measured.ShouldBe([(0, nameof(RequestFailedException)), (0, null)]);
        spans.Select(span => (span.Kind, span.Status, span.GetTagItem("error.type"))).ShouldBe(
            [(ActivityKind.Producer, ActivityStatusCode.Error, nameof(RequestFailedException)), (ActivityKind.Producer, ActivityStatusCode.Unset, null)]);
        spans.Last().TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value).ShouldSatisfyAllConditions(
            tags => tags["messaging.system"].ShouldBe("azure_web_pubsub"),
            tags => tags["messaging.operation.type"].ShouldBe("send"),
            tags => tags["messaging.message.body.size"].ShouldBeOfType<int>().ShouldBeGreaterThan(100),
            tags => tags["cosmo.update.status"].ShouldBe("completed"),
            tags => tags["cosmo.update.sequence"].ShouldBe(_webPubSub.Sent.Single().Sequence));

        static object? Of(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name) => tags.ToArray().FirstOrDefault(tag => tag.Key == name).Value;
    }

    [Fact]
    public async Task Who_listens_for_what_is_new_alone_gets_of_a_text_that_and_of_all_else_the_same()
    {
        await ListenAsync();

        await _updates.PublishAsync(Address, Updates.Responding(Address, "conv_1"), null, Cancellation);
        await SayAsync(_updates, "Hel", "Hello", "Hello you");
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello you!"), null, Cancellation);

        Pieces().ShouldBe([(0, "Hel"), (3, "lo"), (5, " you")]);
        _webPubSub.Deltas.Where(IsText).ShouldAllBe(payload => !payload.ContainsKey("message") && payload["final_message"]!.GetValue<bool>() == false);
        _webPubSub.Deltas.Where(payload => !IsText(payload)).Select(payload => (payload["status"]!.GetValue<string>(), payload["message"]!.GetValue<string>()))
            .ShouldBe([("responding", "Assistant is responding..."), ("completed", "Hello you!")]);
        _webPubSub.Deltas.Select(payload => payload["sequence"]!.GetValue<long>()).ShouldBe(_webPubSub.Sent.Select(update => update.Sequence!.Value));
        _webPubSub.Sent.Select(update => update.Message).ShouldBe(["Assistant is responding...", "Hel", "Hello", "Hello you", "Hello you!"]);
    }

    [Fact]
    public async Task Where_nobody_does_nothing_is_sent_there()
    {
        await SayAsync(_updates, "Hel", "Hello");
        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation);

        _webPubSub.Deltas.ShouldBeEmpty();
        _webPubSub.Lists.ShouldBe(0);
    }

    [Fact]
    public async Task What_did_not_reach_them_goes_with_the_next_text()
    {
        await ListenAsync();
        var told = await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hel"), default, status: null, Cancellation);
        _webPubSub.NextDelta.Enqueue(() => throw new RequestFailedException(503, "away"));
        told = await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), told!.Value, status: null, Cancellation);
        _webPubSub.Next.Enqueue(() => throw new RequestFailedException(503, "away"));
        await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello you"), told!.Value, status: null, Cancellation);

        Pieces().ShouldBe([(0, "Hel"), (3, "lo you")]);
    }

    [Fact]
    public async Task Who_says_a_text_after_another_one_begins_at_its_beginning_and_so_does_that_one_then()
    {
        await ListenAsync();
        var other = Publisher(_redis.Connection);
        var before = await SayAsync(_updates, "Hel", "Hello");

        var anothers = await SayAsync(other, "Hi", "Hi you");
        var told = await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello you"), before, status: null, Cancellation);
        await _updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello you!"), told!.Value, status: null, Cancellation);
        await other.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hi you there"), anothers, status: null, Cancellation);

        Pieces().ShouldBe([(0, "Hel"), (3, "lo"), (0, "Hi"), (2, " you"), (0, "Hello you"), (9, "!"), (0, "Hi you there")]);
    }

    [Fact]
    public async Task Another_attempt_at_a_message_begins_at_the_beginning()
    {
        await ListenAsync();
        await SayAsync(_updates, "Hel", "Hello");
        var again = Address with { Attempt = 2 };

        await _updates.PublishTextAsync(again, Updates.Text(again, "conv_1", "Hi"), default, status: null, Cancellation);

        Pieces().ShouldBe([(0, "Hel"), (3, "lo"), (0, "Hi")]);
    }

    [Fact]
    public async Task No_surrogate_pair_is_cut()
    {
        await ListenAsync();

        await SayAsync(_updates, "a\ud83d", "a\ud83d\ude00", "a\ud83d\ude00b\ud83d", "a\ud83d\ude00b\ud83d\ude00");

        Pieces().ShouldBe([(0, "a"), (1, "\ud83d\ude00"), (3, "b"), (4, "\ud83d\ude00")]);
    }

    [Fact]
    public async Task A_final_update_that_reached_one_group_is_tried_again_at_the_other_alone()
    {
        await ListenAsync();
        _webPubSub.NextDelta.Enqueue(() => throw new RequestFailedException(503, "away"));

        await _updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello"), null, Cancellation);

        (_webPubSub.Sent.Count, _webPubSub.Deltas.Count).ShouldBe((1, 1));
    }

    [Fact]
    public async Task Whether_anybody_still_listens_is_asked_when_the_addresses_have_ended_and_who_does_is_not_forgotten()
    {
        // The time that the question may take is not skipped.
        var clock = new ManualTimeProvider();
        var updates = _webPubSub.Publisher(Log(_redis.Connection, clock), _redis.Connection, clock);
        await ListenAsync(clock);
        clock.Advance(TimeSpan.FromMinutes(6));
        _webPubSub.IsDeltaGroupOpen = true;

        var told = await SayAsync(updates, "Hel");
        await WaitForAsync(() => _webPubSub.Lists == 1);
        while ((await UntilAsync())! < clock.GetUtcNow())
        {
            await Task.Delay(5, Cancellation);
        }

        told = (await updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello"), told, status: null, Cancellation))!.Value;
        clock.Advance(TimeSpan.FromMinutes(70));
        _webPubSub.IsDeltaGroupOpen = false;
        await updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", "Hello you"), told, status: null, Cancellation);
        while (await UntilAsync() is not null)
        {
            await Task.Delay(5, Cancellation);
        }

        await updates.PublishAsync(Address, Updates.Completed(Address, "conv_1", "Hello you"), null, Cancellation);
        _webPubSub.Lists.ShouldBe(2);
        Pieces().ShouldBe([(0, "Hel"), (3, "lo"), (5, " you")]);
        _webPubSub.Deltas.Count.ShouldBe(3);
    }

    [Fact]
    public async Task While_Web_PubSub_does_not_say_they_count_as_there()
    {
        await ListenAsync();
        _clock.Advance(TimeSpan.FromMinutes(6));
        var nowhere = new Azure.Messaging.WebPubSub.WebPubSubServiceClient("Endpoint=http://127.0.0.1:1;AccessKey=some-key-of-some-length-for-this-test;Version=1.0;", "cosmo");
        var listeners = new DeltaListeners(_redis.Connection, nowhere, TimeProvider.System, NullLogger<DeltaListeners>.Instance);

        await listeners.CheckAsync("channel", DateTimeOffset.UnixEpoch);

        (await UntilAsync()).ShouldNotBeNull();
    }

    /// <summary>The first that goes over the socket: until then there is REST.</summary>
    private async Task ConnectedAsync(UpdatePublisher updates, SlowService service)
    {
        var other = Address with { MessageId = "msg-0" };
        for (var frame = service.NextAsync(Cancellation); !frame.IsCompleted;)
        {
            var telling = updates.PublishAsync(other, Updates.Processing(other, "conv_1"), once: null, Cancellation);
            if (await Task.WhenAny(telling, frame) == frame)
            {
                await service.ConfirmAsync((await frame).AckId, isTaken: true);
            }

            await telling;
        }

        while (!service.IsRestQuiet)
        {
            await service.NextByRestAsync(Cancellation);
        }
    }

    private Task ListenAsync(ManualTimeProvider? clock = null) =>
        _webPubSub.Listeners(_redis.Connection, clock ?? _clock).NoteAsync("channel", (clock ?? _clock).GetUtcNow(), Cancellation);

    private async Task<DateTimeOffset?> UntilAsync() =>
        (long?)await _redis.Connection.RunAsync(database => database.StringGetAsync(DeltaListeners.Key(_redis.Prefix, "channel")), Cancellation) is { } until
            ? DateTimeOffset.FromUnixTimeMilliseconds(until)
            : null;

    private async Task<ToldText> SayAsync(UpdatePublisher updates, params string[] texts)
    {
        var told = default(ToldText);
        foreach (var text in texts)
        {
            told = (await updates.PublishTextAsync(Address, Updates.Text(Address, "conv_1", text), told, status: null, Cancellation))!.Value;
        }

        return told;
    }

    private IEnumerable<(int Offset, string Text)> Pieces() =>
        _webPubSub.Deltas.Where(IsText).Select(payload => (payload["offset"]!.GetValue<int>(), payload["text"]!.GetValue<string>()));

    private static bool IsText(System.Text.Json.Nodes.JsonObject payload) => payload["status"]!.GetValue<string>() == "in_progress";

    private UpdateLog Log(RedisConnection redis, ManualTimeProvider? clock = null) => new(redis, Options.Create(new DeliveryOptions()), clock ?? _clock);

    private UpdatePublisher Publisher(RedisConnection redis, ManualTimeProvider? clock = null) => _webPubSub.Publisher(Log(redis), redis, clock ?? _clock);

    private async Task WaitForAsync(Func<bool> isSo)
    {
        while (!isSo())
        {
            await Task.Delay(5, Cancellation);
        }
    }

    /// <summary>One call fails. The first one is carried out all the same, unless it is refused.</summary>
    private sealed class FailingRedis(string prefix, string failure, int call) : RedisConnection(Options.Create(new RedisOptions { Url = TestRedis.Url, Prefix = prefix }))
    {
        public int Calls { get; private set; }

        public override async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
        {
            if (++Calls != call)
            {
                return await base.RunAsync(command, cancellationToken);
            }

            await (failure == "refused" || call > 1 ? Task.CompletedTask : base.RunAsync(command, cancellationToken));
            throw failure switch
            {
                "late" => new TimeoutException(),
                "broken" => new RedisConnectionException(ConnectionFailureType.SocketFailure, CommandFlags.None, failure),
                _ => new RedisServerException(RedisErrorKind.Unknown, CommandFlags.None, failure),
            };
        }
    }
}
