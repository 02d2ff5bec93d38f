using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Tests.Threads.Index;

public sealed class ThreadListerTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ThreadRoom _room;
    private readonly ThreadLister _lister;

    public ThreadListerTests()
    {
        _room = new ThreadRoom(_redis.Connection);
        _lister = new ThreadLister(_room.Index, _room.Indexer);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Channels_are_listed_page_by_page_the_last_active_first_also_those_that_were_active_at_once()
    {
        foreach (var (channel, days) in new[] { ("a", 1.0), ("b", 2), ("c", 2), ("d", 2), ("e", 3) })
        {
            await _room.AddAsync(channel, "conv_" + channel, days, messages: 7);
        }

        var (channels, next) = (new List<ListedThread>(), "");
        do
        {
            var page = await _lister.ReadAsync("", 2, ThreadLister.Read(next)!, Cancellation);
            page.Threads.Count.ShouldBeLessThanOrEqualTo(2);
            channels.AddRange(page.Threads);
            next = page.Next;
        }
        while (next is not null);

        channels.Select(one => one.Channel).ShouldBe(["a", "d", "c", "b", "e"]);
        (channels[0].ThreadId, channels[0].MessageCount, channels[0].LastMessageAt).ShouldBe(("conv_a", 7, _room.Time.GetUtcNow() - TimeSpan.FromDays(1)));
    }

    [Fact]
    public async Task A_channel_is_found_by_a_part_of_its_name_or_of_its_threads_id()
    {
        await _room.AddAsync("user_session_Ana", "conv_1", 1);
        await _room.AddAsync("kiosk", "conv_2_ana", 2);
        await _room.AddAsync("other", "conv_3", 3);

        var found = await _lister.ReadAsync("ANA", 50, IndexCursor.Start, Cancellation);
        var first = await _lister.ReadAsync("ana", 1, IndexCursor.Start, Cancellation);
        var second = await _lister.ReadAsync("ana", 1, ThreadLister.Read(first.Next!)!, Cancellation);

        found.Threads.Select(one => one.Channel).ShouldBe(["user_session_Ana", "kiosk"]);
        found.Next.ShouldBeNull();
        first.Threads.Concat(second.Threads).Select(one => one.Channel).ShouldBe(["user_session_Ana", "kiosk"]);
    }

    [Fact]
    public async Task What_another_program_wrote_is_listed_where_the_database_is_small()
    {
        await _room.WriteAsync("a", "conv_a", 1);

        (await _lister.ReadAsync("", 50, IndexCursor.Start, Cancellation)).Threads.ShouldHaveSingleItem().Channel.ShouldBe("a");
    }

    [Fact]
    public async Task A_search_looks_at_ten_thousand_channels_and_goes_on_with_the_next_page()
    {
        var now = _room.Ago(0);
        await _room.Index.RecordAsync(
            Enumerable.Range(0, 10_001).Select(number => new IndexEntry(number < 10_000 ? $"{number}" : "wanted", "conv_1", now - number, null)), replacesThread: false, Cancellation);

        // Not from the beginning: then what is not in Redis would go out of the index first.
        var first = await _lister.ReadAsync("wanted", 50, new IndexCursor(now, 0), Cancellation);
        var second = await _lister.ReadAsync("wanted", 50, ThreadLister.Read(first.Next!)!, Cancellation);

        first.Threads.ShouldBeEmpty();
        second.Threads.ShouldBe([new ListedThread("wanted", "conv_1", StatisticsReader.AtUnixSeconds(now - 10_000), null)]);
        second.Next.ShouldBeNull();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("x~1")]
    [InlineData("NaN~0")]
    [InlineData("1~-1")]
    [InlineData("1~2~3")]
    public void What_is_no_cursor_is_none(string text) => ThreadLister.Read(text).ShouldBeNull();
}
