using Cosmo.Functions.Administration.Replaying;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Administration.Replaying;

public sealed class DeadLetterReplayTests
{
    private readonly ReplayHarness _harness = new();

    [Fact]
    public void Of_many_letters_no_more_go_back_in_a_second_than_was_asked_for()
    {
        _harness.Begin(total: 10_000);

        _harness.End<ReplayProgress>().ShouldBe(new ReplayProgress("completed", 10_000, 10_000, 5, ReplayHarness.Began));
        _harness.Inputs<ReplayInput>(nameof(ReplayLetters)).ShouldAllBe(input => input.BatchSize() == 10);
        var times = _harness.Times(nameof(ReplayLetters));
        times.Count.ShouldBe(1_000);
        times.Zip(times.Skip(1)).ShouldAllBe(pair => pair.Second - pair.First >= TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void While_nobody_works_the_queue_off_it_waits_and_says_so()
    {
        var isFull = true;
        _harness.On<ReplayInput>(nameof(ReplayLetters), input => new ReplayBatch(isFull ? BatchState.QueueIsFull : BatchState.NoneLeft, isFull ? 0 : 3));

        _harness.Begin(total: 3);
        _harness.Advance(TimeSpan.FromHours(1));
        _harness.CustomStatus.ShouldNotBeNull().ShouldContain("waiting");
        isFull = false;

        _harness.End<ReplayProgress>().ShouldBe(new ReplayProgress("completed", 3, 3, 5, ReplayHarness.Began));
    }

    [Fact]
    public void What_failed_after_it_began_is_left_so_that_nothing_is_replayed_for_ever()
    {
        var input = ReplayInput.Begin("stalled", ReplayHarness.Began, rate: 5, total: 3);
        var letter = new StoredDeadLetter("id", "stalled", "why", ReplayHarness.Began, 1, "c", "m");

        input.Means(letter).ShouldBeTrue();
        input.Means(letter with { FailedAt = null }).ShouldBeTrue();
        input.Means(letter with { FailedAt = ReplayHarness.Began.AddSeconds(1) }).ShouldBeFalse();
        input.Means(letter with { Cause = "overall" }).ShouldBeFalse();
    }

    [Fact]
    public void A_broker_that_is_away_for_some_minutes_is_waited_for()
    {
        _harness.Before(nameof(ReplayLetters), () => _harness.Now < new DateTimeOffset(2026, 1, 31, 12, 7, 0, TimeSpan.Zero) ? new IOException("away") : null);

        _harness.Begin(total: 3);

        _harness.End<ReplayProgress>().Phase.ShouldBe("completed");
    }
}
