using Cosmo.Functions.Answering.Feedback;

namespace Cosmo.Functions.Tests.Answering;

public sealed class FeedbackLedgerTests : IAsyncDisposable
{
    private readonly TestRedis _redis = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly FeedbackLedger _ledger;

    public FeedbackLedgerTests() => _ledger = new FeedbackLedger(_redis.Connection, _clock);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    [Fact]
    public async Task What_is_older_than_is_kept_goes_and_days_are_counted()
    {
        await GiveAsync("a", "old");
        _clock.Advance(TimeSpan.FromDays(40));
        await GiveAsync("a", "middle");
        _clock.Advance(TimeSpan.FromDays(51));
        await GiveAsync("a", "new");

        (await ReadAsync(90)).ShouldBe(["new", "middle"]);
        (await ReadAsync(30)).ShouldBe(["new"]);
    }

    [Fact]
    public async Task The_newest_ten_thousand_are_kept_and_so_many_are_read_as_are_asked_for()
    {
        foreach (var some in Enumerable.Range(0, FeedbackLedger.MaxKept + 5).Chunk(500))
        {
            await Task.WhenAll(some.Select(number => GiveAsync($"c{number % 7}", $"m{number}")));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var (all, isTruncated) = await _ledger.ReadAsync(90, null, FeedbackLedger.MaxKept * 2, Cancellation);
        (all.Count, isTruncated).ShouldBe((FeedbackLedger.MaxKept, false));
        all[0].At.ShouldBeGreaterThan(all[^1].At);
        (await _ledger.ReadAsync(90, null, FeedbackLedger.MaxKept, Cancellation)).IsTruncated.ShouldBeFalse();
        var (some1, isMore) = await _ledger.ReadAsync(90, "up", 10, Cancellation);
        (some1.Count, isMore).ShouldBe((10, true));
        (await _ledger.ReadAsync(90, "down", 10, Cancellation)).Feedback.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_channel_is_forgotten_and_none_that_is_named_like_it()
    {
        await GiveAsync("a", "1:b");
        await GiveAsync("a:1", "b");

        await _ledger.ForgetAsync("a", Cancellation);
        await _ledger.ForgetAsync("none", Cancellation);

        (await ReadAsync(90)).ShouldBe(["b"]);
    }

    [Fact]
    public async Task It_is_kept_under_the_names_that_every_version_knows_and_of_a_forgotten_channel_nothing_is()
    {
        await GiveAsync("a", "m1");
        (await _redis.KeysAsync(Cancellation)).ShouldBe(["feedback:{a}", "{feedback}:entries", "{feedback}:times"]);

        await _ledger.ForgetAsync("a", Cancellation);
        (await _redis.KeysAsync(Cancellation)).ShouldBeEmpty();
    }

    private Task GiveAsync(string channel, string messageId) => _ledger.GiveAsync(new(channel, messageId, "up", null, _clock.GetUtcNow(), null), Cancellation);

    private async Task<IEnumerable<string>> ReadAsync(int days) => (await _ledger.ReadAsync(days, null, 100, Cancellation)).Feedback.Select(one => one.MessageId);
}
