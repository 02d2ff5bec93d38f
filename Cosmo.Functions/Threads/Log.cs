namespace Cosmo.Functions.Threads;

internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Warning, "The metadata of channel {Channel} was not a JSON object and was replaced.")]
    public static partial void MetadataReplaced(ILogger logger, string channel);
}
