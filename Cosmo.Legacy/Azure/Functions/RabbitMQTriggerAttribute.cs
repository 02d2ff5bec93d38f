using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Starts a function by a message of a RabbitMQ queue.</summary>
public sealed class RabbitMQTriggerAttribute : TriggerBindingAttribute
{
    public RabbitMQTriggerAttribute(string queueName)
    {
        QueueName = queueName;
    }

    /// <summary>The name of the setting that holds the broker's URI.</summary>
    public string? ConnectionStringSetting { get; set; }

    public string QueueName { get; }
}
