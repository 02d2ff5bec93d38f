using System.Globalization;

namespace Cosmo.Functions.Hosting;

/// <summary>The header <c>Retry-After</c> (RFC 9110): seconds or a date.</summary>
internal static class RetryAfterHeader
{
    private const double LongestSeconds = 86_400;

    /// <summary>How long to wait, a day at most. A date that has passed and a negative number are no wait; what is neither is as if it were not there.</summary>
    public static TimeSpan? Read(string? text, DateTimeOffset now)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds))
        {
            return double.IsNaN(seconds) ? null : TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestSeconds));
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? TimeSpan.FromSeconds(Math.Clamp((date - now).TotalSeconds, 0, LongestSeconds))
            : null;
    }
}
