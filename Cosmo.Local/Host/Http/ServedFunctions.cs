using Cosmo.Local.Host.Functions;

namespace Cosmo.Local.Host.Http;

/// <summary>What the HTTP server answers with, known once the worker has told its functions.</summary>
internal sealed record ServedFunctions
{
    public required FunctionIndex Index { get; init; }

    public required IFunctionInvoker Invoker { get; init; }

    public required ManualRuns ManualRuns { get; init; }

    /// <summary>Gives the address of the worker's HTTP server, and waits for it while the worker is away.</summary>
    public required Func<CancellationToken, Task<Uri>> Worker { get; init; }

    /// <summary>Answers the requests to the management of orchestrations.</summary>
    public required Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> DurableWebhook { get; init; }
}
