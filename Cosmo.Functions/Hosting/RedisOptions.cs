using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Cosmo.Functions.Hosting;

/// <summary>Where Redis is and how long a call may take. Section <c>Cosmo:Redis</c>.</summary>
internal sealed class RedisOptions : IValidatableObject
{
    public const string Section = "Cosmo:Redis";

    /// <summary><c>redis://[[name]:password@]host[:port][/database]</c>, or <c>rediss://</c> for TLS. What is no letter or digit in the name and password is percent-encoded.</summary>
    [Required(ErrorMessage = "Cosmo:Redis:Url (REDIS_URL) is missing; set it to redis://host:port/database.")]
    [RegularExpression("^rediss?://.+", ErrorMessage = "Cosmo:Redis:Url (REDIS_URL) must begin with redis:// or rediss://.")]
    public string Url { get; set; } = "";

    /// <summary>
    /// The file with the certificate (PEM) of a private authority that signed the server's, for <c>rediss://</c>. Without it the machine's authorities count. The
    /// server's certificate is verified in any case, its name too.
    /// </summary>
    public string? CaFile { get; set; }

    /// <summary>
    /// The object id of the app's managed identity, which then signs in with Entra tokens in the place of a name and a password in the address, as Azure Managed Redis
    /// takes them. Goes with <c>rediss://</c> alone. Without it the address says who signs in.
    /// </summary>
    public string? EntraObjectId { get; set; }

    /// <summary>What every key begins with. Default <c>cosmo:</c>.</summary>
    [RegularExpression("^[^{}]*$", ErrorMessage = "Cosmo:Redis:Prefix (REDIS_PREFIX) must hold no braces: they mark hash slots.")]
    public string Prefix { get; set; } = "cosmo:";

    /// <summary>The time limit of one call, in seconds: 0.1 to 60, default 5.</summary>
    [Range(0.1, 60, ErrorMessage = "Cosmo:Redis:CallTimeoutSeconds must lie between 0.1 and 60.")]
    public double CallTimeoutSeconds { get; set; } = 5;

    /// <summary>The number of the database; null where the address has none that is a number.</summary>
    public static int? DatabaseOf(Uri address) => address.AbsolutePath.Trim('/') is { Length: > 0 } path
        ? int.TryParse(path, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null
        : 0;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var address) || address.Host.Length == 0)
        {
            yield return new("Cosmo:Redis:Url (REDIS_URL) is no address of one server; it looks like redis://name:password@host:port/database, with special characters of the password percent-encoded.");
            yield break;
        }

        if (Address.UnusedPart(address, takesLogin: true) is { } unused)
        {
            yield return new($"Cosmo:Redis:Url (REDIS_URL) has {unused}, of which Cosmo makes no use; take it out.");
        }

        if (DatabaseOf(address) is null)
        {
            yield return new("Cosmo:Redis:Url (REDIS_URL) has a path that is no number of a database.");
        }

        if (!string.IsNullOrWhiteSpace(EntraObjectId) && (address.Scheme != "rediss" || address.UserInfo.Length > 0))
        {
            yield return new("Cosmo:Redis:EntraObjectId goes with a Cosmo:Redis:Url (REDIS_URL) of rediss:// that has no user name and no password.");
        }

        if (!string.IsNullOrWhiteSpace(CaFile) && !(address.Scheme == "rediss" && IsCertificate(CaFile)))
        {
            yield return new("Cosmo:Redis:CaFile (REDIS_CA_FILE) must be the file of a certificate (PEM), and goes with rediss:// alone.");
        }
    }

    private static bool IsCertificate(string file)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
            return true;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
