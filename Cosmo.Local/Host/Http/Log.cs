namespace Cosmo.Local.Host.Http;

internal static partial class Log
{
    [LoggerMessage(820, LogLevel.Debug, "A request to function {Function} failed because of {Error}")]
    public static partial void RequestFailed(ILogger logger, string function, string error);
}
