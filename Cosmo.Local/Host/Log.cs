namespace Cosmo.Local.Host;

internal static partial class Log
{
    [LoggerMessage(800, LogLevel.Information, "{Line}")]
    public static partial void WorkerSays(ILogger logger, string line);

    [LoggerMessage(809, LogLevel.Warning, "{Line}")]
    public static partial void WorkerWarns(ILogger logger, string line);

    [LoggerMessage(801, LogLevel.Error, "{Line}")]
    public static partial void WorkerComplains(ILogger logger, string line);

    [LoggerMessage(802, LogLevel.Information, "The worker process {ProcessId} is ready, with {Count} functions")]
    public static partial void WorkerReady(ILogger logger, int processId, int count);

    [LoggerMessage(803, LogLevel.Error, "{Reason} It is started again in {Seconds} s.")]
    public static partial void WorkerDied(ILogger logger, string reason, double seconds);

    [LoggerMessage(804, LogLevel.Error, "The worker could not be started again: {Reason} The next try is in {Seconds} s.")]
    public static partial void WorkerRestartFailed(ILogger logger, string reason, double seconds);

    [LoggerMessage(806, LogLevel.Warning, "Function {Function} ran out of time; the worker that runs invocation {InvocationId} is ended and started again")]
    public static partial void FunctionTimedOut(ILogger logger, string function, Guid invocationId);

    [LoggerMessage(805, LogLevel.Critical, "The host ends. {Reason}")]
    public static partial void HostEnded(ILogger logger, string reason, Exception? error);

    [LoggerMessage(807, LogLevel.Warning, "The app is made for version {Asked} of the Durable extension, and this host has {Given}")]
    public static partial void OtherDurableExtension(ILogger logger, string asked, string given);

    [LoggerMessage(808, LogLevel.Error, "A part of the host did not stop as it should")]
    public static partial void StopFailed(ILogger logger, Exception error);
}
