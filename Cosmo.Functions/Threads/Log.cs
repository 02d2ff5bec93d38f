namespace Cosmo.Functions.Threads;

internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Warning, "The metadata of channel {Channel} was not a JSON object and was replaced.")]
    public static partial void MetadataReplaced(this ILogger logger, string channel);

    [LoggerMessage(405, LogLevel.Warning, "Key {Key} does not hold what Cosmo keeps there; it is left as it is and does not count.")]
    public static partial void KeyUnreadable(this ILogger logger, string key);

    [LoggerMessage(403, LogLevel.Information, "The index of the threads was compared with {Keys} keys; {Expired} entries had lost a key.")]
    public static partial void ThreadsIndexed(this ILogger logger, long keys, long expired);
}
