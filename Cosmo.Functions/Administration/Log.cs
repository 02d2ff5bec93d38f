using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Administration;

internal static partial class Log
{
    [LoggerMessage(701, LogLevel.Warning, "{Name} does not answer.")]
    public static partial void DoesNotAnswer(this ILogger logger, Exception exception, string name);

    [LoggerMessage(702, LogLevel.Error, "{Name} refuses the command; to try again does not help.")]
    public static partial void Refuses(this ILogger logger, Exception exception, string name);

    /// <summary>Says whether a service is away or refuses.</summary>
    public static void Failed(this ILogger logger, Exception exception, string name)
    {
        if (exception is RedisException && !RedisFault.MayPass(exception))
        {
            logger.Refuses(exception, name);
        }
        else
        {
            logger.DoesNotAnswer(exception, name);
        }
    }

    [LoggerMessage(720, LogLevel.Information, "Operation {Operation} was started; all threads: {All}.")]
    public static partial void DeletionStarted(this ILogger logger, string operation, bool all);

    [LoggerMessage(721, LogLevel.Information, "Operation {Operation} was cancelled.")]
    public static partial void OperationCancelled(this ILogger logger, string operation);

    [LoggerMessage(722, LogLevel.Information, "Channel {Channel} was made with thread {ThreadId}.")]
    public static partial void ChannelCreated(this ILogger logger, string channel, string threadId);

    [LoggerMessage(723, LogLevel.Information, "The histories of {Count} orchestrations from before {Before:u} were purged.")]
    public static partial void HistoryPurged(this ILogger logger, int count, DateTimeOffset before);

    [LoggerMessage(724, LogLevel.Warning, "The time was up before all histories from before {Before:u} were purged; the next run goes on.")]
    public static partial void HistoryLeft(this ILogger logger, DateTimeOffset before);

    [LoggerMessage(725, LogLevel.Information, "A replay of {Count} dead letters was started, of the cause {Cause}, {Rate} a second.")]
    public static partial void ReplayStarted(this ILogger logger, long count, string cause, int rate);

    [LoggerMessage(726, LogLevel.Information, "{Replayed} of {Total} dead letters were put back into the queue.")]
    public static partial void LettersReplayed(this ILogger logger, long replayed, long total);

    [LoggerMessage(109, LogLevel.Warning, "The dead letters could not be reached.")]
    public static partial void DeadLettersNotReached(this ILogger logger, Exception exception);

    [LoggerMessage(401, LogLevel.Warning, "OpenAI did not delete thread {ThreadId}; it is left for the next run. {Reason}")]
    public static partial void ConversationNotDeleted(this ILogger logger, string threadId, string reason);

    [LoggerMessage(402, LogLevel.Information, "{Operation} removed {Removed} threads; {Active} are in use, {Failed} are left for the next run.")]
    public static partial void ThreadsRemoved(this ILogger logger, string operation, long removed, long active, long failed);
}
