using Cosmo.Functions.Threads.Index;
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
