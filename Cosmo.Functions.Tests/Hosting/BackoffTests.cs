using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class BackoffTests
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(4);

    private readonly ManualTimeProvider _clock = new() { SkipUpTo = TimeSpan.FromHours(1) };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Waits_grow_to_the_longest_and_have_no_end_by_themselves()
    {
        var backoff = new Backoff(First, Longest, _clock);
        foreach (var bound in (double[])[1, 2, 4, 4, 4])
        {
            var before = _clock.GetUtcNow();

            (await backoff.WaitAsync(null, Cancellation)).ShouldBeTrue();

            (_clock.GetUtcNow() - before).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromSeconds(bound));
        }

        backoff.Try.ShouldBe(6);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-1e9)]
    public async Task A_wish_for_less_than_nothing_is_no_wait(double seconds)
    {
        var before = _clock.GetUtcNow();

        (await new Backoff(First, Longest, _clock).WaitAsync(TimeSpan.FromSeconds(seconds), Cancellation)).ShouldBeTrue();

        (_clock.GetUtcNow() - before).ShouldBeInRange(TimeSpan.Zero, First);
    }

    [Fact]
    public async Task Tries_end_at_their_number()
    {
        var backoff = new Backoff(First, Longest, _clock) { MaxTries = 3 };

        (await backoff.WaitAsync(null, Cancellation)).ShouldBeTrue();
        (await backoff.WaitAsync(null, Cancellation)).ShouldBeTrue();
        (await backoff.WaitAsync(null, Cancellation)).ShouldBeFalse();
        backoff.Try.ShouldBe(3);
    }

    [Fact]
    public async Task No_try_begins_after_the_end()
    {
        var begun = _clock.GetUtcNow();
        var backoff = new Backoff(First, Longest, _clock) { Until = begun + TimeSpan.FromSeconds(10) };

        while (await backoff.WaitAsync(null, Cancellation))
        {
        }

        (_clock.GetUtcNow() - begun).ShouldBeInRange(TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task What_a_service_asks_for_comes_before_the_wait_unless_it_is_too_long()
    {
        var begun = _clock.GetUtcNow();
        var backoff = new Backoff(First, Longest, _clock) { LongestRetryAfter = TimeSpan.FromSeconds(20) };

        (await backoff.WaitAsync(TimeSpan.FromSeconds(20), Cancellation)).ShouldBeTrue();
        (_clock.GetUtcNow() - begun).ShouldBeInRange(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(21));
        (await backoff.WaitAsync(TimeSpan.FromSeconds(20.1), Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public void An_end_that_is_too_far_away_is_none()
    {
        Backoff.After(TimeSpan.MaxValue, _clock).ShouldBe(DateTimeOffset.MaxValue);
        Backoff.After(TimeSpan.FromSeconds(1), _clock).ShouldBe(_clock.GetUtcNow() + TimeSpan.FromSeconds(1));
    }
}
