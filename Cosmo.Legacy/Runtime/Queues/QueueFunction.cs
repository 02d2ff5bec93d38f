using System.Collections.Frozen;
using Cosmo.Local.Runtime.Indexing;
using Microsoft.Azure.Functions.Worker;

namespace Cosmo.Local.Runtime.Queues;

/// <summary>A function that a message of a RabbitMQ queue starts.</summary>
internal sealed record QueueFunction(IndexedFunction Function, string Queue, Uri Broker)
{
    private const string ConnectionExample = "amqp://user:password@host:port/virtual-host";

    private static readonly FrozenSet<string> BindingDataNames =
        new[] { "Body", "ConsumerTag", "DeliveryTag", "Redelivered", "Exchange", "RoutingKey", "BasicProperties" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <exception cref="StartupException">A name or a setting is not what the host takes.</exception>
    public static QueueFunction Read(IndexedFunction function, RabbitMQTriggerAttribute trigger, IConfiguration settings)
    {
        if (BindingDataNames.Contains(function.TriggerParameter.Name!))
        {
            throw new StartupException(
                $"Function '{function.Name}' binds its RabbitMQ trigger to a parameter called '{function.TriggerParameter.Name}', which is a name of binding data; rename it.");
        }

        var type = function.TriggerParameter.ParameterType;
        if (type.IsValueType || type.IsAbstract || type.Namespace!.StartsWith("RabbitMQ.", StringComparison.Ordinal))
        {
            throw new StartupException(
                $"Function '{function.Name}' binds its RabbitMQ trigger to {type.Name}; bind it to string, byte[] or a class that the message's JSON fits.");
        }

        var queue = settings.Resolve(trigger.QueueName, function);
        if (string.IsNullOrWhiteSpace(queue))
        {
            throw new StartupException($"Function '{function.Name}' names no queue.");
        }

        if (trigger.ConnectionStringSetting is not { Length: > 0 } setting)
        {
            throw new StartupException($"Function '{function.Name}' has no ConnectionStringSetting; name the setting that holds the broker's URI.");
        }

        var text = settings.Required(setting, function);
        return Uri.TryCreate(text, UriKind.Absolute, out var broker) && broker.Scheme is "amqp" or "amqps"
            ? new QueueFunction(function, queue, broker!)
            : throw new StartupException($"{setting} is no RabbitMQ URI; set it to {ConnectionExample}.");
    }
}
