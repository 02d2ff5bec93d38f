namespace Cosmo.Functions.Delivery;

internal static partial class Log
{
    [LoggerMessage(601, LogLevel.Warning, "Update '{Status}' of message {MessageId} was not sent (try {Attempt}); clients can ask for it.")]
    public static partial void SendFailed(this ILogger logger, Exception exception, string status, string? messageId, int attempt);

    [LoggerMessage(602, LogLevel.Error, "Redis did not answer: the final update of message {MessageId} goes out without sequence and fence.")]
    public static partial void FinalUpdateWithoutRedis(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(603, LogLevel.Warning, "The text of message {MessageId} could not be recorded; the next piece will carry it.")]
    public static partial void TextNotRecorded(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(606, LogLevel.Error, "Web PubSub gave no client token.")]
    public static partial void NegotiationFailed(this ILogger logger, Exception exception);

    [LoggerMessage(609, LogLevel.Warning, "Who does not own a channel could not be taken out of its group; that is tried again.")]
    public static partial void OthersNotRemoved(this ILogger logger, Exception exception);

    [LoggerMessage(610, LogLevel.Warning, "Redis did not say which channels have another owner by now, or did not take note; that is tried again.")]
    public static partial void GroupsNotKept(this ILogger logger, Exception exception);

    [LoggerMessage(607, LogLevel.Warning, "The final update of message {MessageId} was sent, but Redis could not be told; if its activity runs again it is sent again.")]
    public static partial void FinalUpdateNotMarked(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(613, LogLevel.Warning, "Whether anybody still listens for what is new of a channel's texts could not be found out; that is tried again.")]
    public static partial void ListenersNotFound(this ILogger logger, Exception exception);

    [LoggerMessage(614, LogLevel.Warning, "Redis could not be told that somebody listens for what is new of a channel's texts.")]
    public static partial void ListenerNotNoted(this ILogger logger, Exception exception);

    [LoggerMessage(611, LogLevel.Warning, "What a client missed could not be read.")]
    public static partial void UpdatesNotRead(this ILogger logger, Exception exception);

    [LoggerMessage(615, LogLevel.Warning, "The WebSocket by which updates go to Web PubSub is not connected; they go by REST until it is.")]
    public static partial void PublisherNotConnected(this ILogger logger, Exception exception);

    [LoggerMessage(616, LogLevel.Warning, "Web PubSub did not take an update over the WebSocket ({Reason}); it goes by REST.")]
    public static partial void NotPublished(this ILogger logger, string reason);
}
