using Cosmo.Functions.Hosting;
using Cosmo.Functions.Threads;
using Cosmo.Functions.Threads.Index;
using Microsoft.Extensions.Options;
using NSubstitute;

namespace Cosmo.Functions.Tests.Threads.Index;

public sealed class ThreadIndexerTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ThreadRoom _room;

    public ThreadIndexerTests() => _room = new ThreadRoom(_redis.Connection);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Threads_that_another_program_wrote_come_in_with_their_age_and_messages()
    {
        await _room.WriteAsync("a", "thread_a", 10, messages: 7);
        await _room.WriteAsync("b:c {d}", "conv_b", 20, messages: 5);

        await _room.IndexAllAsync();

        (await _room.Index.CountAsync(_room.Ago(15), Cancellation)).ShouldBe(1);
        (await TotalsAsync()).ShouldBe((2, 2, 12));
        (await _room.Index.FindThreadAsync("b:c {d}", Cancellation)).ShouldBe("conv_b");
    }

    [Fact]
    public async Task Comparing_again_changes_nothing()
    {
        await _room.WriteAsync("a", "conv_a", 10, messages: 7);

        await _room.IndexAllAsync();
        await _room.IndexAllAsync();

        (await TotalsAsync()).ShouldBe((1, 1, 7));
    }

    [Fact]
    public async Task A_message_counted_meanwhile_is_not_undone_by_what_was_read_before()
    {
        await _room.WriteAsync("a", "conv_a", 10, messages: 7);
        var read = await _room.Reader.ReadAsync("a", Cancellation);
        await _room.Store.CountMessagesAsync("a", ["m"], Cancellation);

        await _room.Index.RecordAsync([read.ToEntry()], replacesThread: false, Cancellation);

        (await TotalsAsync()).Messages.ShouldBe(8);
        (await _room.Index.CountAsync(_room.Ago(5), Cancellation)).ShouldBe(0);
        await _room.Store.SaveAsync("a", "conv_new", Cancellation);
        await _room.Index.RecordAsync([read.ToEntry()], replacesThread: false, Cancellation);
        (await _room.Index.FindThreadAsync("a", Cancellation)).ShouldBe("conv_new");
    }

    [Fact]
    public async Task A_thread_that_is_being_replaced_is_not_undone_by_its_key_which_comes_after_the_index()
    {
        await _room.AddAsync("a", "conv_old", 10);
        await _room.Index.RecordAsync([new IndexEntry("a", "conv_new", null, null)], replacesThread: true, Cancellation);

        (await _room.Store.UseAsync("a", ["m"], Cancellation)).ShouldBe("conv_old");
        await _room.IndexAllAsync();

        (await _room.Index.FindThreadAsync("a", Cancellation)).ShouldBe("conv_new");
        (await _room.Index.ReadAbandonedAsync(IndexCursor.Start, 10, Cancellation)).Select(entry => (string)entry.Element!).ShouldBe(["conv_old a"]);
    }

    [Fact]
    public async Task Entries_that_had_lost_a_key_are_counted_whichever_key_it_was()
    {
        foreach (var (channel, lost) in new[] { ("a", "thread:a"), ("b", "metadata:b"), ("c", "none") })
        {
            await _room.AddAsync(channel, "conv_" + channel, 1, messages: 5);
            await _room.DeleteKeyAsync(lost);
        }

        // One that never had a thread.
        await _room.Store.CountMessagesAsync("d", ["m"], Cancellation);
        (await _room.Index.FindThreadAsync("d", Cancellation)).ShouldBeNull();
        await _room.DeleteKeyAsync("metadata:d");

        var (keys, expired) = (0L, 0L);
        for (var position = IndexPosition.Start; !position.IsComplete;)
        {
            var step = await _room.Indexer.StepAsync(position, Cancellation);
            (keys, expired, position) = (keys + step.Keys, expired + step.Expired, step.Next);
        }

        (keys, expired).ShouldBe((4, 3));
        (await TotalsAsync()).ShouldBe((2, 2, 10));
    }

    [Fact]
    public async Task A_large_database_is_compared_in_steps_and_not_by_whoever_asks()
    {
        await using var own = new RedisServer();
        await own.StartAsync();
        await using var redis = new RedisConnection(Options.Create(new RedisOptions { Url = own.Url }));
        var room = new ThreadRoom(redis);
        await redis.EvaluateAsync("for i = 1, 10000 do redis.call('SET', 'another:' .. i, '') end", [], [], Cancellation);
        var compared = room.Time.GetUtcNow();

        // Ten thousand keys, and then those of the index.
        (await room.Statistics.ReadAsync(Cancellation)).IndexedAt.ShouldBe(compared);
        room.Time.Advance(TimeSpan.FromDays(1));
        (await room.Statistics.ReadAsync(Cancellation)).IndexedAt.ShouldBe(compared);

        await own.FlushAsync();
        await redis.EvaluateAsync(
            """for i = 1, 12000 do redis.call('MSET', ARGV[1] .. 'thread:' .. i, 'conv_1', ARGV[1] .. 'metadata:' .. i, '{"message_count":1}') end""", [], [redis.Prefix], Cancellation);
        (await room.Statistics.ReadAsync(Cancellation)).ShouldSatisfyAllConditions(it => it.IndexedAt.ShouldBeNull(), it => it.Threads.ShouldBe(0));

        var steps = new List<IndexStep> { await room.Indexer.StepAsync(IndexPosition.Start, Cancellation) };
        while (!steps[^1].Next.IsComplete)
        {
            steps.Add(await room.Indexer.StepAsync(steps[^1].Next, Cancellation));
        }

        steps[0].Keys.ShouldBeInRange(20_000, 23_500);
        steps.Sum(step => step.Keys).ShouldBeGreaterThanOrEqualTo(24_000);
        steps.Count(step => step.Next is { Sweep: not null and not "0", IsComplete: false }).ShouldBe(1, "ten thousand entries are looked at in a step");
        var statistics = await room.Statistics.ReadAsync(Cancellation);
        (statistics.Threads, statistics.TotalMessages).ShouldBe((12_000, 12_000));
    }

    [Fact]
    public async Task Keys_are_read_two_thousand_at_a_time_and_none_is_left_out()
    {
        await _redis.Connection.EvaluateAsync("for i = 10001, 12500 do redis.call('SET', ARGV[1] .. i, '') end", [], [_redis.Prefix], Cancellation);
        var scan = new KeyScan((await _redis.Connection.FindMastersAsync(Cancellation))[0], _redis.Connection.Database, _redis.Prefix + "*", 100);

        var first = await scan.ReadAsync(0, Cancellation);
        var second = await scan.ReadAsync(first.Next, Cancellation);

        first.Keys.Count.ShouldBeInRange(2000, 2300);
        second.Next.ShouldBe(0);
        first.Keys.Concat(second.Keys).Distinct().Count().ShouldBe(2500);
    }

    [Fact]
    public async Task What_stands_behind_a_cursor_is_counted()
    {
        foreach (var days in (int[])[1, 2, 3])
        {
            await _room.AddAsync($"{days}", "conv_1", days);
        }

        (await CountAsync(null, 0, 0)).ShouldBe(3);
        (await CountAsync(2, 0, 0)).ShouldBe(2);
        (await CountAsync(2, 1, 0)).ShouldBe(1);
        (await CountAsync(2, 9, 0)).ShouldBe(0);
        (await CountAsync(2, 0, 2)).ShouldBe(1);
        (await CountAsync(1, 0, 2)).ShouldBe(0);

        Task<long> CountAsync(int? days, int skip, int latest) => _room.Index.CountAsync(new IndexCursor(days is { } ago ? _room.Ago(ago) : null, skip), _room.Ago(latest), Cancellation);
    }

    [Fact]
    public async Task A_channel_that_is_in_use_is_claimed_by_force_alone()
    {
        await _room.Store.TryHoldAsync("a", Cancellation);

        (await _room.Index.TryClaimAsync("a", _room.Ago(0), isForced: false, Cancellation)).ShouldBeFalse();
        (await _room.Index.TryClaimAsync("a", _room.Ago(0), isForced: true, Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public void Two_versions_that_run_side_by_side_know_the_index_by_the_same_keys_which_share_a_hash_slot()
    {
        var keys = new[] { ThreadKeys.Activity, ThreadKeys.Messages, ThreadKeys.Ids, ThreadKeys.Totals, ThreadKeys.Abandoned, ThreadKeys.Unreadable, ThreadKeys.InUse, ThreadKeys.Leaving };

        keys.Select(key => (string)key("cosmo:")!).ShouldBe(
            ((string[])["activity", "messages", "ids", "totals", "abandoned", "unreadable", "in_use", "leaving"]).Select(name => "cosmo:{threads}:" + name));
    }

    [Fact]
    public async Task What_has_expired_goes_out_and_its_conversation_waits_for_the_pruning()
    {
        await _room.AddAsync("a", "conv_a", 10, messages: 7);
        await _room.AddAsync("b", "thread_b", 10, messages: 1);
        foreach (var key in new[] { "thread:a", "metadata:a", "thread:b" })
        {
            await _room.DeleteKeyAsync(key);
        }

        await _room.IndexAllAsync();

        (await TotalsAsync()).ShouldBe((0, 1, 1));
        await _room.PruneAsync();
        await _room.Assistant.Received(1).DeleteThreadAsync("conv_a", Arg.Any<CancellationToken>());
        (await _room.Statistics.ReadAsync(Cancellation)).Abandoned.ShouldBe(0);
    }

    [Fact]
    public async Task A_prefix_is_no_pattern()
    {
        await using var other = new TestRedis();
        var room = new ThreadRoom(other.Connection);
        await room.WriteAsync("a", "conv_a", 1);

        ThreadIndexer.EscapePattern("co[s]m*o?\\:").ShouldBe("co\\[s\\]m\\*o\\?\\\\:");
        await _room.IndexAllAsync();

        (await TotalsAsync()).ShouldBe((0, 0, 0));
    }

    [Fact]
    public async Task A_time_in_the_future_counts_as_now()
    {
        await _room.WriteAsync("a", "conv_a", -1000);

        await _room.IndexAllAsync();

        (await _room.Index.CountAsync(_room.Ago(0), Cancellation)).ShouldBe(1);
    }

    private async Task<(long Threads, long Metadata, long Messages)> TotalsAsync()
    {
        // Beyond the index alone: whatever the size of the database.
        var statistics = await _room.Statistics.ReadAsync(Cancellation);
        return (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages);
    }
}
