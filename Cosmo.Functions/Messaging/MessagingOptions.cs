using System.ComponentModel.DataAnnotations;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Messaging;

/// <summary>Where messages come from. Section <c>Cosmo:Receiving</c>.</summary>
internal sealed class MessagingOptions : IValidatableObject
{
    public const string Section = "Cosmo:Receiving";

    /// <summary>The broker, <c>amqp://user:password@host:port/vhost</c>. The trigger reads the same setting under its flat name.</summary>
    [Required(ErrorMessage = "RABBITMQ_URL is missing; set it to amqp://user:password@host:5672.")]
    [RegularExpression("^amqps?://.+", ErrorMessage = "RABBITMQ_URL must begin with amqp:// or amqps://.")]
    public string RabbitMQUrl { get; set; } = "";

    /// <summary>The exchange that producers publish to. Default <c>cosmo_exchange</c>.</summary>
    [Required(ErrorMessage = "EXCHANGE_NAME must not be empty.")]
    public string Exchange { get; set; } = "cosmo_exchange";

    /// <summary>The queue that the trigger reads. Default <c>cosmo_queue</c>.</summary>
    [Required(ErrorMessage = "QUEUE_NAME is missing; the trigger needs it. The usual name is cosmo_queue.")]
    public string Queue { get; set; } = "cosmo_queue";

    /// <summary>The routing key of both bindings. Default <c>cosmo_key</c>.</summary>
    [Required(ErrorMessage = "ROUTING_KEY must not be empty.")]
    public string RoutingKey { get; set; } = "cosmo_key";

    /// <summary>The longest message that is taken, in characters: 1 to 1,000,000, default 32,000.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Cosmo:Receiving:MaxMessageLength must lie between 1 and 1000000.")]
    public int MaxMessageLength { get; set; } = 32_000;

    /// <summary>
    /// The longest body, in bytes, whatever it holds beside the message: 1,024 to 134,217,728 (128 MiB), default 16,777,216 (16 MiB), as much as RabbitMQ 4
    /// takes by itself. So much of Redis may a message need for as long as it is answered.
    /// </summary>
    [Range(1_024, 134_217_728, ErrorMessage = "Cosmo:Receiving:MaxBodyBytes must lie between 1024 and 134217728.")]
    public int MaxBodyBytes { get; set; } = 16_777_216;

    public string DeadLetterExchange => Exchange + "_dlx";

    public string FailedQueue => Queue + "_failed";

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!Uri.TryCreate(RabbitMQUrl, UriKind.Absolute, out var address) || address.Host.Length == 0)
        {
            yield return new("RABBITMQ_URL is no address of one broker; it looks like amqp://user:password@host:5672/vhost, with special characters of the password percent-encoded.");
        }
        else if (Address.UnusedPart(address, takesLogin: true) is { } unused)
        {
            yield return new($"RABBITMQ_URL has {unused}, of which neither Cosmo nor the trigger makes use; take it out.");
        }
        else if (address.Segments.Length > 2)
        {
            yield return new("RABBITMQ_URL has a path of several parts; a virtual host with a slash is written with %2F.");
        }
    }
}
