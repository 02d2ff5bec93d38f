namespace Cosmo.Functions.Threads;

internal static partial class Log
{
    [LoggerMessage(400, LogLevel.Warning, "The metadata of channel {Channel} was not a JSON object and was replaced.")]
    public static partial void MetadataReplaced(ILogger logger, string channel);

    [LoggerMessage(401, LogLevel.Warning, "OpenAI did not delete thread {ThreadId}; it is left for the next run. {Reason}")]
    public static partial void ConversationNotDeleted(ILogger logger, string threadId, string reason);

    [LoggerMessage(402, LogLevel.Information, "{Operation} removed {Removed} threads; {Active} are in use, {Failed} are left for the next run.")]
    public static partial void ThreadsRemoved(ILogger logger, string operation, long removed, long active, long failed);

    [LoggerMessage(403, LogLevel.Information, "The index of the threads was compared with {Keys} keys; {Expired} entries had lost a key.")]
    public static partial void ThreadsIndexed(ILogger logger, long keys, long expired);

    [LoggerMessage(404, LogLevel.Information, "{Operation} runs already and is not started again.")]
    public static partial void RunsAlready(ILogger logger, string operation);
}
