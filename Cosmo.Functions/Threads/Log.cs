namespace Cosmo.Functions.Threads;

internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Warning, "The metadata of channel {Channel} was not a JSON object and was replaced.")]
    public static partial void MetadataReplaced(this ILogger logger, string channel);

    [LoggerMessage(403, LogLevel.Information, "The index of the threads was compared with {Keys} keys; {Expired} entries had lost a key.")]
    public static partial void ThreadsIndexed(this ILogger logger, long keys, long expired);
}
