using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Threads;

/// <summary>How long threads are kept. Section <c>Cosmo:Threads</c>.</summary>
internal sealed class ThreadOptions
{
    public const string Section = "Cosmo:Threads";

    /// <summary>Seconds after its last read at which a thread expires: 60 to 315,360,000 (ten years), default 7,776,000 (90 days).</summary>
    [Range(60, 315_360_000, ErrorMessage = "Cosmo:Threads:ExpirySeconds (REDIS_THREAD_EXPIRY) must be a number of seconds between 60 and 315360000.")]
    public int ExpirySeconds { get; set; } = 7_776_000;

    /// <summary>Days after its last message at which a thread is pruned: 1 to 3650, default 90.</summary>
    [Range(1, 3650, ErrorMessage = "Cosmo:Threads:RetentionDays (THREAD_RETENTION_DAYS) must be a number of days between 1 and 3650.")]
    public int RetentionDays { get; set; } = 90;
}
