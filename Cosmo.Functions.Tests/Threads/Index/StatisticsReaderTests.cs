using Cosmo.Functions.Threads.Index;

namespace Cosmo.Functions.Tests.Threads.Index;

public sealed class StatisticsReaderTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ThreadRoom _room;

    public StatisticsReaderTests() => _room = new ThreadRoom(_redis.Connection);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task Channels_are_counted_by_their_age_a_whole_day_with_the_older_ones()
    {
        foreach (var days in (double[])[0, 0.9, 1, 6.9, 7, 29.9, 30, 89.9, 90, 1000])
        {
            await _room.AddAsync($"{days}", "conv_1", days);
        }

        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.Ages.ShouldBe([new("0-1", 2, 20), new("1-7", 2, 20), new("7-30", 2, 20), new("30-90", 2, 20), new("90+", 2, 20)]);
    }

    [Fact]
    public async Task Shares_are_percentages_with_a_decimal_and_the_average_has_two()
    {
        await _room.AddAsync("a", "conv_a", 0.5, messages: 1);
        await _room.AddAsync("b", "conv_b", 100, messages: 1);
        await _room.AddAsync("c", "conv_c", 100, messages: 0);

        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.Ages.Select(group => group.Share).ShouldBe([33.3, 0, 0, 0, 66.7]);
        (statistics.TotalMessages, statistics.AverageMessages).ShouldBe((2, 0.67));
    }

    [Fact]
    public async Task The_ten_busiest_channels_are_named_and_who_was_active_first_and_last()
    {
        for (var channel = 1; channel <= 11; channel++)
        {
            await _room.AddAsync($"{channel}", "conv_1", channel, messages: channel);
        }

        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.MostActive.ShouldBe(Enumerable.Range(2, 10).Reverse().Select(number => new ChannelMessages($"{number}", number)));
        statistics.Newest.ShouldBe(new ChannelActivity("1", Ago(1), Ago(1)));
        statistics.Oldest.ShouldBe(new ChannelActivity("11", Ago(11), Ago(11)));
        statistics.IndexedAt.ShouldBe(_room.Time.GetUtcNow());
    }

    [Fact]
    public async Task A_channel_that_another_worker_s_clock_saw_active_later_than_now_is_new()
    {
        await _room.WriteAsync("a", "conv_a", -0.001);
        var ahead = new ThreadIndex(_redis.Connection, new ManualTimeProvider { Start = _room.Time.GetUtcNow() + TimeSpan.FromHours(1) });
        await ahead.RecordAsync([(await _room.Reader.ReadAsync("a", Cancellation)).ToEntry()], replacesThread: false, Cancellation);

        (await _room.Statistics.ReadAsync(Cancellation)).Ages[0].ShouldBe(new("0-1", 1, 100));
    }

    [Fact]
    public async Task A_channel_that_never_had_a_message_is_as_old_as_its_thread_and_has_none()
    {
        await _redis.Connection.RunAsync(
            database => database.StringSetAsync(_redis.Prefix + "metadata:a", FormattableString.Invariant($$"""{"created_at": {{_room.Ago(2)}}}""")), Cancellation);

        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages).ShouldBe((0, 1, 0));
        statistics.Newest.ShouldBe(new ChannelActivity("a", Ago(2), Ago(2)));
        statistics.Bytes.ShouldSatisfyAllConditions(bytes => bytes.Total.ShouldBePositive(), bytes => bytes.Channels.ShouldBe(1));
    }

    [Fact]
    public async Task Where_nothing_is_kept_all_is_nothing()
    {
        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.ShouldSatisfyAllConditions(
            it => it.Ages.ShouldAllBe(group => group.Threads == 0 && group.Share == 0),
            it => (it.TotalMessages, it.AverageMessages).ShouldBe((0, 0)),
            it => it.MostActive.ShouldBeEmpty(),
            it => (it.Oldest, it.Newest).ShouldBe((null, null)),
            it => it.Bytes.ShouldBe(new StoredBytes(0, false, 0)));
    }

    [Fact]
    public async Task A_hundred_keys_that_cannot_be_read_are_named_and_all_are_counted()
    {
        const string write = "for i = 1, 101 do redis.call('SET', ARGV[1] .. 'metadata:' .. i, 'not JSON') end";
        await _redis.Connection.EvaluateAsync(write, [], [_redis.Prefix], Cancellation);

        var unreadable = (await _room.Statistics.ReadAsync(Cancellation)).Unreadable;

        (unreadable.Count, unreadable.Keys.Count).ShouldBe((101, 100));
    }

    [Theory]
    [InlineData(1000, false)]
    [InlineData(1250, true)]
    public async Task Of_more_than_a_thousand_channels_a_thousand_are_measured_and_stand_for_all(int channels, bool isSampled)
    {
        // All take the same in Redis but the newest.
        const string write = """
            local sum = 0
            for i = 10001, 10000 + ARGV[2] do
              local thread, metadata = ARGV[1] .. 'thread:' .. i, ARGV[1] .. 'metadata:' .. i
              redis.call('SET', thread, 'conv_' .. i .. (i > 11000 and string.rep('x', 1000) or ''))
              redis.call('SET', metadata, '{"created_at":' .. i .. ',"message_count":1,"last_message_at":' .. i .. '}')
              sum = sum + redis.call('MEMORY', 'USAGE', thread) + redis.call('MEMORY', 'USAGE', metadata)
            end
            return sum
            """;
        var sum = (long)await _redis.Connection.EvaluateAsync(write, [], [_redis.Prefix, channels], Cancellation);

        var statistics = await _room.Statistics.ReadAsync(Cancellation);

        statistics.Bytes.ShouldBe(new StoredBytes(sum, isSampled, 1000));
        (statistics.Threads, statistics.MetadataEntries, statistics.TotalMessages).ShouldBe((channels, channels, channels));
    }

    [Theory]
    [InlineData(1683042200.1, "2023-05-02T15:43:20.1+00:00")]
    [InlineData(1e300, "9999-12-31T23:59:59.999+00:00")]
    [InlineData(-1e300, "0001-01-01T00:00:00+00:00")]
    public void A_time_that_another_program_wrote_is_one_whatever_it_is(double seconds, string time) => StatisticsReader.AtUnixSeconds(seconds).ShouldBe(DateTimeOffset.Parse(time, null));

    private DateTimeOffset Ago(double days) => _room.Time.GetUtcNow() - TimeSpan.FromDays(days);
}
