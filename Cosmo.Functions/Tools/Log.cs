namespace Cosmo.Functions.Tools;

internal static partial class Log
{
    // At Debug, because the reason may repeat what the user wrote.
    [LoggerMessage(500, LogLevel.Debug, "The tool {Tool} could not do its work: {Reason}")]
    public static partial void Refused(ILogger logger, string tool, string reason, Exception? exception);

    [LoggerMessage(501, LogLevel.Error, "The tool {Tool} failed.")]
    public static partial void Failed(ILogger logger, string tool, Exception exception);

    [LoggerMessage(502, LogLevel.Warning, "The tool {Tool} was stopped after {Seconds} seconds.")]
    public static partial void TimedOut(ILogger logger, string tool, double seconds);

    [LoggerMessage(503, LogLevel.Warning, "The assistant asked for a tool that does not exist.")]
    public static partial void Unknown(ILogger logger);

    [LoggerMessage(504, LogLevel.Warning, "A request to {Service} failed (try {Try}): {Reason}")]
    public static partial void RequestFailed(ILogger logger, string service, int @try, string reason, Exception? exception);

    [LoggerMessage(505, LogLevel.Information, "The tool {Tool} is not offered: its settings are missing.")]
    public static partial void NotOffered(ILogger logger, string tool);

    [LoggerMessage(506, LogLevel.Warning, "A query of the database failed.")]
    public static partial void QueryFailed(ILogger logger, Exception exception);

    [LoggerMessage(507, LogLevel.Warning, "The tool {Tool} was asked for on behalf of a caller who may not use it.")]
    public static partial void Denied(ILogger logger, string tool);
}
