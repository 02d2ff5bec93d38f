using Cosmo.Local.Host.Worker.Protocol;

namespace Cosmo.Local.Host.WebJobs;

/// <summary>A function failed in the worker. The Durable extension reads type, message and inner failure from this form of message.</summary>
internal sealed class FunctionFailedException(StatusResult result)
    : Exception($"Result: {result.Status}\nException: {result.Exception?.Message}\nStack: {result.Exception?.StackTrace}");
