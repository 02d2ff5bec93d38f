namespace Cosmo.Functions.Tools;

internal static partial class Log
{
    // At Debug, because the reason may repeat what the user wrote.
    [LoggerMessage(500, LogLevel.Debug, "The tool {Tool} could not do its work: {Reason}")]
    public static partial void Refused(this ILogger logger, string tool, string reason, Exception? exception);

    [LoggerMessage(501, LogLevel.Error, "The tool {Tool} failed.")]
    public static partial void Failed(this ILogger logger, string tool, Exception exception);

    [LoggerMessage(502, LogLevel.Warning, "The tool {Tool} was stopped after {Seconds} seconds.")]
    public static partial void TimedOut(this ILogger logger, string tool, double seconds);

    [LoggerMessage(503, LogLevel.Warning, "The assistant asked for a tool that does not exist.")]
    public static partial void Unknown(this ILogger logger);

    [LoggerMessage(504, LogLevel.Warning, "A request to {Service} failed (try {Try}): {Reason}")]
    public static partial void RequestFailed(this ILogger logger, string service, int @try, string reason);

    [LoggerMessage(505, LogLevel.Information, "The tool {Tool} is not offered: its settings are missing.")]
    public static partial void NotOffered(this ILogger logger, string tool);

    [LoggerMessage(506, LogLevel.Warning, "A query of the database failed.")]
    public static partial void QueryFailed(this ILogger logger, Exception exception);

    [LoggerMessage(507, LogLevel.Warning, "The tool {Tool} was asked for on behalf of a caller who may not use it.")]
    public static partial void Denied(this ILogger logger, string tool);

    [LoggerMessage(508, LogLevel.Information, "The MCP server of {File} offers {Count} of its {Listed} tools.")]
    public static partial void McpTools(this ILogger logger, string file, int count, int listed);

    [LoggerMessage(509, LogLevel.Warning, "The MCP server of {File} is away, and so are its tools; it is asked again until it answers: {Reason}")]
    public static partial void McpAway(this ILogger logger, string file, string reason);

    [LoggerMessage(510, LogLevel.Warning, "The tool {Tool} of the MCP server of {File} is left out: {Reason}")]
    public static partial void McpToolLeftOut(this ILogger logger, string tool, string file, string reason);
}
