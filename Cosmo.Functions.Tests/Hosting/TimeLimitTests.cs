using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class TimeLimitTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void The_end_of_the_time_ends_the_work()
    {
        using var limit = new TimeLimit(TimeSpan.FromSeconds(5), _clock, CancellationToken.None);

        _clock.Advance(TimeSpan.FromSeconds(4.9));
        (limit.Token.IsCancellationRequested, limit.IsOver).ShouldBe((false, false));
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        (limit.Token.IsCancellationRequested, limit.IsOver).ShouldBe((true, true));
    }

    [Fact]
    public void Any_caller_ends_the_work_and_is_not_taken_for_the_end_of_the_time()
    {
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        using var limit = new TimeLimit(TimeSpan.FromSeconds(5), _clock, first.Token, second.Token);

        second.Cancel();

        (limit.Token.IsCancellationRequested, limit.IsOver).ShouldBe((true, false));
    }

    [Fact]
    public void A_time_that_has_passed_already_is_over_at_once()
    {
        using var limit = new TimeLimit(TimeSpan.FromSeconds(-1), _clock);

        limit.IsOver.ShouldBeTrue();
    }
}
