using System.ComponentModel.DataAnnotations;

namespace Cosmo.Functions.Hosting;

/// <summary>Where Redis is and how long a call may take. Section <c>Cosmo:Redis</c>.</summary>
internal sealed class RedisOptions
{
    public const string Section = "Cosmo:Redis";

    /// <summary><c>redis://[:password@]host[:port][/database]</c>, or <c>rediss://</c> for TLS.</summary>
    [Required(ErrorMessage = "Cosmo:Redis:Url (REDIS_URL) is missing; set it to redis://host:port/database.")]
    [RegularExpression("^rediss?://.+", ErrorMessage = "Cosmo:Redis:Url (REDIS_URL) must begin with redis:// or rediss://.")]
    public string Url { get; set; } = "";

    /// <summary>What every key begins with. Default <c>cosmo:</c>.</summary>
    [RegularExpression("^[^{}]*$", ErrorMessage = "Cosmo:Redis:Prefix (REDIS_PREFIX) must hold no braces: they mark hash slots.")]
    public string Prefix { get; set; } = "cosmo:";

    /// <summary>The time limit of one call, in seconds: 0.1 to 60, default 5.</summary>
    [Range(0.1, 60, ErrorMessage = "Cosmo:Redis:CallTimeoutSeconds must lie between 0.1 and 60.")]
    public double CallTimeoutSeconds { get; set; } = 5;
}
