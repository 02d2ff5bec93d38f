using System.Collections.Frozen;
using System.Text;
using Cosmo.Local.Host.Functions;

namespace Cosmo.Local.Host.Queues;

/// <summary>A function that a message of a RabbitMQ queue starts.</summary>
/// <param name="Function">The function.</param>
/// <param name="Queue">The queue's name.</param>
/// <param name="Broker">Where the queue is.</param>
/// <param name="TakesBytes">Whether it takes a message's bytes, and not their text.</param>
internal sealed record QueueFunction(FunctionDefinition Function, string Queue, Uri Broker, bool TakesBytes)
{
    private const string ConnectionExample = "amqp://user:password@host:port/virtual-host";

    private static readonly FrozenSet<string> BindingDataNames = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "Body", "ConsumerTag", "DeliveryTag", "Redelivered", "Exchange", "RoutingKey", "BasicProperties");

    /// <summary>A message as the function takes it.</summary>
    public object Value(ReadOnlyMemory<byte> body) => TakesBytes ? body.ToArray() : Encoding.UTF8.GetString(body.Span);

    /// <exception cref="StartupException">A name or a setting is not what the host takes.</exception>
    public static QueueFunction Read(FunctionDefinition function, IConfiguration settings)
    {
        var trigger = function.Trigger;
        if (BindingDataNames.Contains(trigger.Name))
        {
            throw new StartupException(
                $"Function '{function.Name}' binds its RabbitMQ trigger to a parameter called '{trigger.Name}', which is a name of binding data; rename it.");
        }

        var queue = settings.Resolve(trigger.Text("queueName") ?? "", function);
        if (string.IsNullOrWhiteSpace(queue))
        {
            throw new StartupException($"Function '{function.Name}' names no queue.");
        }

        if (trigger.Text("connectionStringSetting") is not { Length: > 0 } setting)
        {
            throw new StartupException($"Function '{function.Name}' has no ConnectionStringSetting; name the setting that holds the broker's URI.");
        }

        var text = settings.Required(setting, function);
        return Uri.TryCreate(text, UriKind.Absolute, out var broker) && broker.Scheme is "amqp" or "amqps"
            ? new QueueFunction(function, queue, broker!, string.Equals(trigger.Text("dataType"), "binary", StringComparison.OrdinalIgnoreCase))
            : throw new StartupException($"{setting} is no RabbitMQ URI; set it to {ConnectionExample}.");
    }
}
