namespace Cosmo.Functions.Administration;

internal static partial class Log
{
    [LoggerMessage(701, LogLevel.Warning, "{name} does not answer.")]
    public static partial void DoesNotAnswer(this ILogger logger, Exception exception, string name);
}
