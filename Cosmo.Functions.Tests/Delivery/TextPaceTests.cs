using Cosmo.Functions.Delivery;

namespace Cosmo.Functions.Tests.Delivery;

public sealed class TextPaceTests
{
    private static readonly DateTimeOffset Sent = DateTimeOffset.UnixEpoch;
    private readonly TextPace _pace = new(new DeliveryOptions());

    /// <summary>Milliseconds after a text that was sent at once.</summary>
    [Theory]
    [InlineData(100, 1, 1000)]
    [InlineData(100, 9, 1000)]
    [InlineData(100, 10, 100)]
    [InlineData(500, 10, 100)]
    [InlineData(1000, 10, 300)]
    [InlineData(1000, 19, 300)]
    [InlineData(1000, 20, 100)]
    [InlineData(4000, 79, 300)]
    [InlineData(4000, 80, 100)]
    [InlineData(4001, 80, 1000)]
    [InlineData(60_000, 1199, 1000)]
    [InlineData(60_000, 1200, 100)]
    public void A_text_is_due_when_enough_of_it_is_new_or_time_has_passed(int before, int gathered, int expected) =>
        _pace.DueIn(new SentText(before, Sent, TimeSpan.Zero), before + gathered, Sent).TotalMilliseconds.ShouldBe(expected);

    [Theory]
    [InlineData(20, 100)]
    [InlineData(50, 100)]
    [InlineData(80, 160)]
    [InlineData(400, 800)]
    public void A_slow_send_is_followed_by_a_longer_rest(int took, int expected) =>
        _pace.DueIn(new SentText(100, Sent, TimeSpan.FromMilliseconds(took)), 120, Sent).TotalMilliseconds.ShouldBe(expected);

    [Fact]
    public void What_has_waited_long_enough_is_due() =>
        _pace.DueIn(new SentText(100, Sent, TimeSpan.Zero), 110, Sent + TimeSpan.FromMilliseconds(100)).ShouldBeLessThanOrEqualTo(TimeSpan.Zero);

    [Theory]
    [InlineData(9, 1010)]
    [InlineData(10, 1020)]
    [InlineData(19, 1020)]
    [InlineData(20, null)]
    public void More_text_makes_it_due_sooner(int gathered, int? expected) =>
        _pace.SoonerFrom(new SentText(1000, Sent, TimeSpan.Zero), 1000 + gathered).ShouldBe(expected);

    /// <summary>What a client gets of an answer, in lengths of it. Without the growing steps the last one would take 300.</summary>
    [Theory]
    [InlineData(1_000, 80, 50)]
    [InlineData(4_000, 80, 90)]
    [InlineData(10_000, 400, 60)]
    [InlineData(60_000, 1_000, 60)]
    public void The_characters_that_are_sent_grow_little_faster_than_the_text(int length, int charactersASecond, int most)
    {
        var last = new SentText(1, Sent, TimeSpan.Zero);
        var (told, now) = (0L, Sent);
        while (last.Length < length)
        {
            now += TimeSpan.FromMilliseconds(5);
            var there = Math.Min(length, (int)((now - Sent).TotalSeconds * charactersASecond));
            if (there > last.Length && _pace.DueIn(last, there, now) <= TimeSpan.Zero)
            {
                last = new SentText(there, now, TimeSpan.Zero);
                told += there;
            }
        }

        told.ShouldBeLessThan((long)length * most);
    }
}
