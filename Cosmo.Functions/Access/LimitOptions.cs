using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Access;

/// <summary>How much one caller may ask. Section <c>Cosmo:Access</c>.</summary>
internal sealed class LimitOptions
{
    /// <summary>Messages of a user, or of a channel for messages without one, in any 60 seconds: 0 to 10,000. 0, the default, is no limit.</summary>
    [Range(0, 10_000, ErrorMessage = "Cosmo:Access:MessagesPerMinute (USER_MESSAGES_PER_MINUTE) must lie between 0 and 10000; 0 is no limit.")]
    public int MessagesPerMinute { get; set; }

    /// <summary>Tokens, in and out, of a user, or of a channel for messages without one, in a day (UTC): 0 to 1,000,000,000. 0, the default, is no limit.</summary>
    [Range(0, 1_000_000_000, ErrorMessage = "Cosmo:Access:TokensPerDay (USER_TOKENS_PER_DAY) must lie between 0 and 1000000000; 0 is no limit.")]
    public long TokensPerDay { get; set; }

    /// <summary>
    /// Addresses of channels that a user gets in any 60 seconds: 0 to 10,000, default 60. Strangers at one address get ten times as many. 0 is no limit.
    /// </summary>
    [Range(0, 10_000, ErrorMessage = "Cosmo:Access:NegotiationsPerMinute (NEGOTIATIONS_PER_MINUTE) must lie between 0 and 10000; 0 is no limit.")]
    public int NegotiationsPerMinute { get; set; } = 60;

    /// <summary>Events of each kind that are taken over a user's connections in any 60 seconds: 0 to 10,000, default 120. Of strangers at one address ten times as many. 0 is no limit.</summary>
    [Range(0, 10_000, ErrorMessage = "Cosmo:Access:EventsPerMinute (EVENTS_PER_MINUTE) must lie between 0 and 10000; 0 is no limit.")]
    public int EventsPerMinute { get; set; } = 120;

    /// <summary>So many days what was used is kept, by user, channel, profile and model: 1 to 400, default 90.</summary>
    [Range(1, 400, ErrorMessage = "Cosmo:Access:UsageDays (USAGE_DAYS) must lie between 1 and 400.")]
    public int UsageDays { get; set; } = 90;
}
