using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Messaging;
using Cosmo.Functions.Tests.Proof;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class UpdateLogTests : IAsyncDisposable
{
    private const string Counter = "sequence:{channel %7B1%7D}";

    private static readonly MessageAddress First = new("channel {1}", "msg-1", 1);
    private static readonly MessageAddress Second = new("channel {1}", "msg-2", 1);

    private readonly ManualTimeProvider _clock = new();
    private readonly TestRedis _redis;
    private readonly UpdateLog _log;

    public UpdateLogTests()
    {
        _redis = new TestRedis(_clock);
        _log = new UpdateLog(_redis.Connection, Options.Create(new DeliveryOptions()), _clock);
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Updates_of_a_channel_are_numbered_without_a_gap()
    {
        var started = await RecordAsync(First, Updates.Started(First));
        var text = await RecordAsync(First, Updates.Text(First, "conv_1", "Hello"));
        var other = await RecordAsync(Second, Updates.Started(Second));

        text.ShouldBe(started + 1);
        other.ShouldBe(started + 2);
    }

    [Fact]
    public async Task Nothing_follows_the_final_update_of_a_message()
    {
        await RecordAsync(First, Updates.Completed(First, "conv_1", "Done"));
        await _log.MarkFinalSentAsync(First, TestContext.Current.CancellationToken);

        (await RecordAsync(First, Updates.Text(First, "conv_1", "late"))).ShouldBeNull();
        (await RecordAsync(First, Updates.Started(First))).ShouldBeNull();
        (await RecordAsync(First, Updates.Rejected("msg-1", "late", "late"))).ShouldBeNull();
        (await RecordAsync(Second, Updates.Started(Second))).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_final_update_that_never_left_is_sent_again_as_it_was()
    {
        var first = await RecordAsync(First, Updates.Completed(First, "conv_1", "Done"));

        var again = (await _log.RecordAsync(First, Updates.Rejected("msg-1", "other", "other"), null, TestContext.Current.CancellationToken)).ToSend!;

        again.Payload.Sequence.ShouldBe(first);
        again.Payload.Message.ShouldBe("Done");
        again.Payload.Status.ShouldBe("completed");
    }

    [Fact]
    public async Task A_final_update_that_never_left_and_that_Redis_has_lost_is_sent_as_whoever_asks_tells_it()
    {
        var first = await RecordAsync(First, Updates.Completed(First, "conv_1", "Done"));
        await _redis.Connection.RunAsync(database => database.KeyDeleteAsync(_redis.Prefix + "updates:{channel %7B1%7D}"), TestContext.Current.CancellationToken);

        var again = (await _log.RecordAsync(First, Updates.Rejected("msg-1", "Sorry.", "other"), null, TestContext.Current.CancellationToken)).ToSend!;

        (again.Payload.Sequence, again.Payload.Message).ShouldBe((first, "Sorry."));
        (await _log.FindEndAsync(First, TestContext.Current.CancellationToken)).ShouldNotBeNull().Update.ShouldBeNull();
    }

    [Fact]
    public async Task An_update_that_goes_out_once_is_not_recorded_again()
    {
        (await RecordAsync(First, Updates.Started(First), once: "started")).ShouldNotBeNull();
        (await RecordAsync(First, Updates.Started(First), once: "started")).ShouldBeNull();
        (await RecordAsync(Second, Updates.Started(Second), once: "started")).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_refusal_is_in_the_log_and_leaves_no_fence_behind()
    {
        await _log.RecordUnfencedAsync(First.Channel, Updates.Rejected("msg-1", "no", "no"), TestContext.Current.CancellationToken);

        var keys = (string[])(await _redis.Connection.RunAsync(database => database.ExecuteAsync("KEYS", $"{_redis.Prefix}fence:*"), TestContext.Current.CancellationToken))!;
        foreach (var key in keys)
        {
            (await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(key), TestContext.Current.CancellationToken) ?? TimeSpan.Zero).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
        }

        (await _log.ReadAsync(First.Channel, 0, TestContext.Current.CancellationToken)).ShouldHaveSingleItem().Payload.Message.ShouldBe("no");
    }

    [Fact]
    public async Task The_replay_of_a_message_has_a_fence_of_its_own()
    {
        await RecordAsync(First, Updates.Rejected("msg-1", "Sorry.", "why"));
        await _log.MarkFinalSentAsync(First, TestContext.Current.CancellationToken);
        var replay = First with { Attempt = 2 };

        (await RecordAsync(replay, Updates.Started(replay), once: "started")).ShouldNotBeNull();
    }

    [Fact]
    public async Task The_log_keeps_statuses_finals_and_of_texts_the_newest()
    {
        var started = await RecordAsync(First, Updates.Started(First));
        await RecordAsync(First, Updates.Text(First, "conv_1", "Hel"));
        await RecordAsync(First, Updates.Text(First, "conv_1", "Hello"));
        await RecordAsync(Second, Updates.Text(Second, "conv_1", "Other"));

        (await ReadAsync(0)).Select(update => update.Payload.Message).ShouldBe(["Assistant is processing your request...", "Hello", "Other"]);

        await RecordAsync(First, Updates.Completed(First, "conv_1", "Hello world"));

        (await ReadAsync(started!.Value)).Select(update => update.Payload.Message).ShouldBe(["Other", "Hello world"]);
    }

    [Fact]
    public async Task What_is_read_back_is_what_was_recorded()
    {
        var recorded = (await _log.RecordAsync(
            First, Updates.Timeout(First, "conv_1", "Sorry: too late.", "a: b"), null, TestContext.Current.CancellationToken)).ToSend!;

        (await ReadAsync(0)).ShouldHaveSingleItem().ShouldBe(recorded);
    }

    [Fact]
    public async Task What_is_older_than_the_log_keeps_is_not_read()
    {
        await RecordAsync(First, Updates.Started(First));
        _clock.Advance(TimeSpan.FromMinutes(60));
        (await ReadAsync(0)).ShouldHaveSingleItem().Payload.MessageId.ShouldBe("msg-1");
        _clock.Advance(TimeSpan.FromMinutes(1));
        await RecordAsync(Second, Updates.Started(Second));

        (await ReadAsync(0)).ShouldHaveSingleItem().Payload.MessageId.ShouldBe("msg-2");
    }

    [Fact]
    public async Task Sequences_grow_on_although_Redis_lost_the_counter()
    {
        var before = await RecordAsync(First, Updates.Started(First));
        await _redis.Connection.RunAsync(
            database => database.KeyDeleteAsync(_redis.Prefix + Counter), TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromSeconds(1));

        (await RecordAsync(Second, Updates.Started(Second))).ShouldNotBeNull().ShouldBeGreaterThan(before!.Value);
    }

    [Fact]
    public async Task Sequences_grow_on_although_Redis_was_set_back_to_a_backup()
    {
        var kept = await RecordAsync(First, Updates.Started(First));
        await RecordAsync(First, Updates.Completed(First, "conv_1", "answer"));
        var newest = await RecordAsync(Second, Updates.Started(Second));
        await _redis.Connection.RunAsync(
            database => database.StringSetAsync(_redis.Prefix + Counter, kept!.Value, TimeSpan.FromDays(90) - TimeSpan.FromHours(2)), TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromHours(2));

        (await RecordAsync(First with { MessageId = "msg-3" }, Updates.Started(First))).ShouldNotBeNull().ShouldBeGreaterThan(newest!.Value);
    }

    [Fact]
    public async Task Sequences_grow_on_although_a_replica_that_lagged_took_the_place_of_Redis()
    {
        await using var proxy = new TcpProxy(new Uri(TestRedis.Url).Port);
        await using var connection = new RedisConnection(
            Options.Create(new RedisOptions { Url = new UriBuilder(TestRedis.Url) { Port = proxy.Port }.ToString(), Prefix = _redis.Prefix }), _clock);
        var log = new UpdateLog(connection, Options.Create(new DeliveryOptions()), _clock);
        await log.RecordAsync(First, Updates.Started(First), null, TestContext.Current.CancellationToken);
        var kept = await _redis.Connection.RunAsync(database => database.StringGetAsync(_redis.Prefix + Counter), TestContext.Current.CancellationToken);
        var newest = (await log.RecordAsync(First, Updates.Text(First, "conv_1", "Hello"), null, TestContext.Current.CancellationToken)).ToSend!.Payload.Sequence!.Value;

        _clock.Advance(TimeSpan.FromSeconds(5));
        var before = connection.LostSightAt;
        proxy.Cut();
        await Eventually.IsSoAsync(() => connection.LostSightAt > before, () => "The connection was never out of sight.", TestContext.Current.CancellationToken);
        await _redis.Connection.RunAsync(database => database.StringSetAsync(_redis.Prefix + Counter, kept, TimeSpan.FromDays(90)), TestContext.Current.CancellationToken);

        (await log.RecordAsync(First, Updates.Text(First, "conv_1", "Hello, you"), null, TestContext.Current.CancellationToken)).ToSend!.Payload.Sequence!.Value.ShouldBeGreaterThan(newest);
    }

    [Fact]
    public async Task Of_two_final_updates_at_once_one_wins()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => _log.RecordAsync(
            First, Updates.Completed(First, "conv_1", $"answer {i}"), null, TestContext.Current.CancellationToken)));

        outcomes.Select(outcome => outcome.ToSend!.Payload.Message).Distinct().ShouldHaveSingleItem();
        (await ReadAsync(0)).Count(update => update.Payload.FinalMessage).ShouldBe(1);
    }

    [Fact]
    public async Task The_number_of_the_newest_update_of_a_channel_is_known_and_whoever_listens_hears_of_each()
    {
        (await _log.FindNewestAsync(First.Channel, TestContext.Current.CancellationToken)).ShouldBe(0);
        using var heard = new SemaphoreSlim(0);
        await using var listening = await _log.ListenAsync(First.Channel, () => heard.Release(), TestContext.Current.CancellationToken);

        await RecordAsync(First with { Channel = "another" }, Updates.Started(First));
        (await _log.FindNewestAsync("another", TestContext.Current.CancellationToken)).ShouldBeGreaterThan(0);
        heard.CurrentCount.ShouldBe(0);
        var recorded = await RecordAsync(First, Updates.Started(First));

        (await heard.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).ShouldBeTrue();
        (await _log.FindNewestAsync(First.Channel, TestContext.Current.CancellationToken)).ShouldBe(recorded!.Value);
        heard.CurrentCount.ShouldBe(0);
    }

    [Fact]
    public async Task What_is_kept_of_a_channel_is_kept_for_a_time()
    {
        await RecordAsync(First, Updates.Completed(First, "conv_1", "Done"));

        var (sequence, updates) = (await KeptAsync("sequence:{channel %7B1%7D}"), await KeptAsync("updates:{channel %7B1%7D}"));
        (sequence.TotalDays, updates.TotalMinutes).ShouldSatisfyAllConditions(kept => kept.TotalDays.ShouldBeInRange(89.9, 90), kept => kept.TotalMinutes.ShouldBeInRange(59, 60));
        (await KeptAsync(_log.FenceKey(First)[_redis.Prefix.Length..])).TotalDays.ShouldBeInRange(6.9, 7);

        async Task<TimeSpan> KeptAsync(string key) =>
            await _redis.Connection.RunAsync(database => database.KeyTimeToLiveAsync(_redis.Prefix + key), TestContext.Current.CancellationToken) ?? TimeSpan.Zero;
    }

    private async Task<long?> RecordAsync(MessageAddress address, UpdatePayload payload, string? once = null) =>
        (await _log.RecordAsync(address, payload, once, TestContext.Current.CancellationToken)).ToSend?.Payload.Sequence;

    private Task<IReadOnlyList<Update>> ReadAsync(long after) => _log.ReadAsync(First.Channel, after, TestContext.Current.CancellationToken);
}
