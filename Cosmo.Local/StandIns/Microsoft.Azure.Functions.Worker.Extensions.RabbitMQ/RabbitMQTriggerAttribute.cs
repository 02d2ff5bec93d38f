using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Starts a function by a message of a RabbitMQ queue.</summary>
/// <param name="queueName">The queue, or <c>%NAME%</c> for the setting that names it.</param>
public sealed class RabbitMQTriggerAttribute(string queueName) : TriggerBindingAttribute
{
    /// <summary>The name of the setting that holds the broker's URI.</summary>
    public string? ConnectionStringSetting { get; set; }

    /// <summary>The queue.</summary>
    public string QueueName { get; } = queueName;
}
