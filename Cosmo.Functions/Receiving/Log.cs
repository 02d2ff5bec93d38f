namespace Cosmo.Functions.Receiving;

internal static partial class Log
{
    [LoggerMessage(105, LogLevel.Warning, "Message {MessageId} was refused: {Cause}.")]
    public static partial void MessageRejected(this ILogger logger, string messageId, string cause);

    [LoggerMessage(106, LogLevel.Warning, "The sender of the refused message {MessageId} could not be told.")]
    public static partial void SenderNotTold(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(110, LogLevel.Error, "Message {MessageId} could not be taken in.")]
    public static partial void NotTakenIn(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(111, LogLevel.Warning, "The refused message {MessageId} could not be kept yet.")]
    public static partial void NotKeptYet(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(604, LogLevel.Warning, "A client event was refused: {Reason}")]
    public static partial void ClientEventRefused(this ILogger logger, string reason);

    [LoggerMessage(617, LogLevel.Warning, "An event did not prove that it is Web PubSub's: {Reason}")]
    public static partial void EventNotProved(this ILogger logger, string reason);

    [LoggerMessage(605, LogLevel.Error, "Message {MessageId} of a client could not be queued.")]
    public static partial void ClientEventNotQueued(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(615, LogLevel.Warning, "What is new of run {RunId} could not be read; that is tried again.")]
    public static partial void RunNotRead(this ILogger logger, Exception exception, string runId);

    [LoggerMessage(616, LogLevel.Warning, "Redis did not say, or was not told, what run {RunId} is about.")]
    public static partial void RunNotFound(this ILogger logger, Exception exception, string runId);

    [LoggerMessage(612, LogLevel.Warning, "Redis did not say whether message {MessageId} of a client is over a limit.")]
    public static partial void LimitNotFound(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(618, LogLevel.Warning, "Redis did not say whether message {MessageId} of a client, which is refused, was taken before.")]
    public static partial void NotKnownWhetherTaken(this ILogger logger, Exception exception, string messageId);
}
