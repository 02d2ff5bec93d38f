using Cosmo.Functions.Answering;

namespace Cosmo.Functions.Tests.Answering;

public sealed class WaitsAndTriesTests
{
    [Theory]
    [InlineData(10, 10)]
    [InlineData(0.5, 0.5)]
    [InlineData(0, 0.5)]
    [InlineData(-3, 0.5)]
    public void A_step_is_tried_for_as_long_as_is_left_and_at_least_once_more(double left, double tried) =>
        Tries.Within(TimeSpan.FromSeconds(left)).Retry!.Policy!.RetryTimeout.ShouldBe(TimeSpan.FromSeconds(tried));

    [Fact]
    public void Redis_is_waited_for_shorter_than_the_first_event_so_that_the_true_cause_is_told() =>
        new AnsweringOptions { FirstEventSeconds = 45 }.RedisPatience.ShouldBe(TimeSpan.FromSeconds(30));
}
