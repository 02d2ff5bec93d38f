using Cosmo.Functions.Messaging;
using Microsoft.Azure.Functions.Worker;
using NSubstitute;

namespace Cosmo.Functions.Tests.Messaging;

/// <summary>Deliveries as the RabbitMQ extension hands them in.</summary>
internal static class Deliveries
{
    /// <param name="basicProperties">The JSON of the binding data; null for none.</param>
    /// <param name="queue">The queue that messages are read from.</param>
    public static DeliveryProperties Read(string? basicProperties, string queue)
    {
        var context = Substitute.For<FunctionContext>();
        context.BindingContext.BindingData.Returns(basicProperties is null ? [] : new Dictionary<string, object?> { ["BasicProperties"] = basicProperties });
        return DeliveryProperties.From(context, queue);
    }
}
