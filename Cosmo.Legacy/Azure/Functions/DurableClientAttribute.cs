using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Microsoft.Azure.Functions.Worker;

/// <summary>Binds a client of the app's orchestrations.</summary>
public sealed class DurableClientAttribute : InputBindingAttribute
{
}
