namespace Cosmo.Functions.Hosting;

internal static partial class Log
{
    [LoggerMessage(404, LogLevel.Information, "{Operation} runs already and is not started again.")]
    public static partial void RunsAlready(this ILogger logger, string operation);
}
