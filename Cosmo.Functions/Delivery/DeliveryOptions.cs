using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Delivery;

/// <summary>How updates reach the clients. Section <c>Cosmo:Delivery</c>.</summary>
internal sealed class DeliveryOptions : IValidatableObject
{
    public const string Section = "Cosmo:Delivery";

    private static readonly string[] ConnectionStringParts = ["Endpoint", "AccessKey", "Version", "Port"];

    /// <summary>Web PubSub's connection string with its access key. Either this or <see cref="Endpoint"/>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Web PubSub's address (https), reached with the app's Entra identity.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>The Web PubSub hub. Default <c>cosmo</c>.</summary>
    [RegularExpression("^[A-Za-z][A-Za-z0-9_`,.\\[\\]]{0,127}$", ErrorMessage = "Cosmo:Delivery:Hub (WEB_PUBSUB_HUB) is not a hub name: a letter, then letters, digits and _`,.[] only.")]
    public string Hub { get; set; } = "cosmo";

    /// <summary>
    /// How long a negotiated URL opens a connection, and for how long its user may send and has roles, in minutes: 1 to 1440, default 60. A connection that
    /// is open listens on.
    /// </summary>
    [Range(1, 1440, ErrorMessage = "Cosmo:Delivery:TokenMinutes must lie between 1 and 1440.")]
    public int TokenMinutes { get; set; } = 60;

    /// <summary>Text goes out when this many characters have gathered: 1 to 10,000, default 10 (wire contract, section 2).</summary>
    [Range(1, 10_000, ErrorMessage = "Cosmo:Delivery:CoalesceCharacters must lie between 1 and 10000.")]
    public int CoalesceCharacters { get; set; } = 10;

    /// <summary>Or when this many seconds have passed since the last text: 0.05 to 10, default 1 (wire contract, section 2).</summary>
    [Range(0.05, 10, ErrorMessage = "Cosmo:Delivery:CoalesceSeconds must lie between 0.05 and 10.")]
    public double CoalesceSeconds { get; set; } = 1;

    /// <summary>
    /// How often the text of one answer is sent at most, a second: 1 to 100, default 10. A unit of Web PubSub takes about 400 messages a second, of all answers
    /// together.
    /// </summary>
    [Range(1d, 100d, ErrorMessage = "Cosmo:Delivery:UpdatesPerSecond must lie between 1 and 100.")]
    public double UpdatesPerSecond { get; set; } = 10;

    /// <summary>
    /// The time limit of one send of a final update, retries of the client included, in seconds: 1 to 60, default 10. Other updates have three seconds.
    /// </summary>
    [Range(1, 60, ErrorMessage = "Cosmo:Delivery:SendTimeoutSeconds must lie between 1 and 60.")]
    public double SendTimeoutSeconds { get; set; } = 10;

    /// <summary>How long a client can ask for what it missed, in minutes: 1 to 1440, default 60.</summary>
    [Range(1, 1440, ErrorMessage = "Cosmo:Delivery:LogMinutes must lie between 1 and 1440.")]
    public int LogMinutes { get; set; } = 60;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(ConnectionString) == (Endpoint is null))
        {
            yield return new ValidationResult(
                "Set either Cosmo:Delivery:ConnectionString (WEB_PUBSUB_CONNECTION_STRING) or, for Entra identity, Cosmo:Delivery:Endpoint (WEB_PUBSUB_ENDPOINT).");
        }

        if (Endpoint is not null && Address.UnusedPart(Endpoint, takesLogin: false) is { } part)
        {
            yield return new ValidationResult($"Cosmo:Delivery:Endpoint (WEB_PUBSUB_ENDPOINT) has {part}, of which no use would be made.");
        }

        foreach (var name in (ConnectionString ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(piece => piece.Split('=')[0].Trim()))
        {
            if (!ConnectionStringParts.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                yield return new ValidationResult($"Cosmo:Delivery:ConnectionString (WEB_PUBSUB_CONNECTION_STRING) has a part that is not known; known are {string.Join(", ", ConnectionStringParts)}.");
            }
        }
    }
}
