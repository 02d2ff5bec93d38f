using Cosmo.Local.Durable;
using Cosmo.Local.Durable.Storage;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>What the store keeps in memory: what is ready, what waits after a fault, which histories are at hand, and the clock of its timers.</summary>
public sealed class ReadyQueueTests
{
    private readonly ReadyQueue _queue = new();

    [Fact]
    public void One_that_is_added_again_while_it_waits_is_there_once()
    {
        _queue.Add(1);
        _queue.Add(1);
        _queue.Add(2);

        Take(3).ShouldBe([1, 2, null]);
    }

    [Fact]
    public void One_that_is_added_while_it_is_worked_on_comes_again_once_when_it_is_given_back_and_not_before()
    {
        _queue.Add(1);
        Take(1).ShouldBe([1]);
        _queue.Add(1);
        _queue.Add(1);
        Take(1).ShouldBe([null]);

        _queue.Done(1, again: false);

        Take(2).ShouldBe([1, null]);
        _queue.Done(1, again: false);
        Take(1).ShouldBe([null]);
        _queue.Add(1);
        Take(1).ShouldBe([1]);
    }

    [Fact]
    public void One_that_is_given_back_as_due_comes_again_once()
    {
        _queue.Add(1);
        Take(1).ShouldBe([1]);

        _queue.Done(1, again: true);
        _queue.Add(1);

        Take(2).ShouldBe([1, null]);
        _queue.Done(1, again: false);
        Take(1).ShouldBe([null]);
    }

    [Fact]
    public void Who_cannot_be_done_waits_longer_from_time_to_time_until_it_is_done()
    {
        var backOff = new BackOff();

        Enumerable.Range(0, 9).Select(_ => backOff.Next(1).TotalSeconds).ShouldBe([0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]);
        backOff.Next(2).TotalSeconds.ShouldBe(0.25);
        backOff.Clear(1);
        backOff.Next(1).TotalSeconds.ShouldBe(0.25);
        backOff.Next(2).TotalSeconds.ShouldBe(0.5);
    }

    [Fact]
    public void Histories_are_kept_up_to_a_number_of_characters_and_the_oldest_go()
    {
        var live = new LiveInstances(100);
        var instances = new[] { 60, 40, 1, 99 }.Select((length, id) => new LiveInstance(new LockedInstance(id, $"{id}", null) { HistoryLength = length }, [])).ToList();

        live.Put(instances[0]);
        live.Put(instances[1]);
        live.Take(0).ShouldBe(instances[0]);
        live.Take(0).ShouldBeNull();
        live.Put(instances[0]);
        live.Put(instances[2]);
        live.Take(1).ShouldBeNull("It had its step longest ago.");
        live.Put(instances[3]);
        live.Take(0).ShouldBeNull();
        live.Take(2).ShouldBe(instances[2]);
        live.Take(3).ShouldBe(instances[3]);
    }

    [Fact]
    public void The_clock_rings_for_the_earliest_time_and_is_then_not_set()
    {
        var (time, rung) = (new ManualTimeProvider(), new List<TimeSpan>());
        var begun = time.GetUtcNow();
        using var clock = new TimerClock(time, () => rung.Add(time.GetUtcNow() - begun));
        DateTime After(double milliseconds) => begun.UtcDateTime + TimeSpan.FromMilliseconds(milliseconds);

        clock.Set(After(500));
        clock.Set(After(200.1));
        clock.Set(After(300));
        time.Advance(TimeSpan.FromSeconds(1));
        rung.ShouldBe([TimeSpan.FromMilliseconds(201)]);

        clock.Set(After(2000));
        time.Advance(TimeSpan.FromSeconds(2));
        rung.ShouldBe([TimeSpan.FromMilliseconds(201), TimeSpan.FromMilliseconds(2000)]);
    }

    [Fact]
    public void A_time_that_is_further_away_than_a_day_rings_after_a_day()
    {
        var (time, rung) = (new ManualTimeProvider(), 0);
        using var clock = new TimerClock(time, () => rung++);

        clock.Set(time.GetUtcNow().UtcDateTime + TimeSpan.FromDays(60));
        time.Advance(TimeSpan.FromDays(1) - TimeSpan.FromMilliseconds(1));
        rung.ShouldBe(0);
        time.Advance(TimeSpan.FromMilliseconds(1));

        rung.ShouldBe(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public async Task A_time_that_is_over_rings_at_once_and_once(int seconds)
    {
        var (time, rung) = (new ManualTimeProvider(), new SemaphoreSlim(0));
        using var clock = new TimerClock(time, () => rung.Release());

        clock.Set(time.GetUtcNow().UtcDateTime + TimeSpan.FromSeconds(seconds));

        (await rung.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
        time.Advance(TimeSpan.FromDays(2));
        rung.CurrentCount.ShouldBe(0);
    }

    [Fact]
    public async Task Of_two_who_wait_for_an_instance_one_may_give_up_and_the_other_is_told_and_at_the_close_everybody()
    {
        var (watch, value) = (new InstanceWatch(), (string?)null);
        using var gone = new CancellationTokenSource();
        var (first, second) = (watch.WaitAsync("a", () => value, gone.Token), watch.WaitAsync("a", () => value, TestContext.Current.CancellationToken));
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first);

        value = "ended";
        watch.Changed("a");

        (await second.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken)).ShouldBe("ended");
        var third = watch.WaitAsync("a", () => default(string), TestContext.Current.CancellationToken);
        watch.Close();
        await Should.ThrowAsync<OperationCanceledException>(third.WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken));
    }

    private long?[] Take(int times) => [.. Enumerable.Range(0, times).Select(_ => _queue.Take())];
}
