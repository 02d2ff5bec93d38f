using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Tests.Hosting;

public sealed class RetryAfterHeaderTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 9, 45, 10, TimeSpan.Zero);

    [Theory]
    [InlineData("7", 7.0)]
    [InlineData(" 0.5 ", 0.5)]
    [InlineData("-7", 0.0)]
    [InlineData("1e300", 86_400.0)]
    [InlineData("Infinity", 86_400.0)]
    [InlineData("-Infinity", 0.0)]
    [InlineData("Sat, 31 Jan 2026 09:45:20 GMT", 10.0)]
    [InlineData("Saturday, 31-Jan-26 09:45:20 GMT", 10.0)]
    [InlineData("Sat, 31 Jan 2026 09:45:00 GMT", 0.0)]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", 0.0)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0)]
    [InlineData("NaN", null)]
    [InlineData("soon", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Seconds_and_dates_are_read_and_what_has_passed_is_no_wait(string? text, double? seconds) =>
        (RetryAfterHeader.Read(text, Now)?.TotalSeconds).ShouldBe(seconds);
}
