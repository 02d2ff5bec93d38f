namespace Cosmo.Local.Host;

internal static partial class Log
{
    [LoggerMessage(800, LogLevel.Information, "{Line}")]
    public static partial void WorkerSays(ILogger logger, string line);

    [LoggerMessage(801, LogLevel.Error, "{Line}")]
    public static partial void WorkerComplains(ILogger logger, string line);

    [LoggerMessage(802, LogLevel.Information, "The worker process {ProcessId} is ready, with {Count} functions")]
    public static partial void WorkerReady(ILogger logger, int processId, int count);

    [LoggerMessage(803, LogLevel.Error, "{Reason} It is started again in {Delay}.")]
    public static partial void WorkerDied(ILogger logger, string reason, TimeSpan delay);

    [LoggerMessage(804, LogLevel.Error, "The worker could not be started again: {Reason} The next try is in {Delay}.")]
    public static partial void WorkerRestartFailed(ILogger logger, string reason, TimeSpan delay);

    [LoggerMessage(805, LogLevel.Critical, "{Reason}")]
    public static partial void HostGaveUp(ILogger logger, string reason);

    [LoggerMessage(806, LogLevel.Warning, "Function {Function} ran out of time; the worker that runs invocation {InvocationId} is ended and started again")]
    public static partial void FunctionTimedOut(ILogger logger, string function, Guid invocationId);

    [LoggerMessage(807, LogLevel.Critical, "A listener died, so the host ends")]
    public static partial void ListenerDied(ILogger logger, Exception error);
}
