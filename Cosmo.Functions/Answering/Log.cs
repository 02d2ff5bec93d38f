using Cosmo.Functions.Assistants;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Answering;

internal static partial class Log
{
    /// <summary>Says whether Redis is away or refuses.</summary>
    public static void RedisFailed(this ILogger logger, Exception exception, string messageId)
    {
        if (RedisFault.MayPass(exception))
        {
            logger.RedisAway(exception, messageId);
        }
        else
        {
            logger.RedisRefuses(exception, messageId);
        }
    }

    [LoggerMessage(201, LogLevel.Information, "Message {MessageId} is orchestration {InstanceId}.")]
    public static partial void AnswerScheduled(this ILogger logger, string messageId, string instanceId);

    [LoggerMessage(202, LogLevel.Information, "Message {MessageId} was delivered again and is not answered again.")]
    public static partial void DeliveredAgain(this ILogger logger, string messageId);

    [LoggerMessage(203, LogLevel.Warning, "The Durable store did not answer for message {MessageId}.")]
    public static partial void DurableStoreAway(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(217, LogLevel.Warning, "The channel of message {MessageId} is not kept for operators who know its id alone.")]
    public static partial void NotRemembered(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(204, LogLevel.Information, "Message {MessageId} opened thread {ThreadId}.")]
    public static partial void ThreadCreated(this ILogger logger, string messageId, string threadId);

    [LoggerMessage(205, LogLevel.Warning, "The assistant failed on message {MessageId}: {Failure}.")]
    public static partial void AssistantFailed(this ILogger logger, Exception exception, string messageId, AssistantFailure failure);

    [LoggerMessage(206, LogLevel.Warning, "Redis did not answer for message {MessageId}.")]
    private static partial void RedisAway(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(219, LogLevel.Error, "Redis refuses what message {MessageId} needs; to try again does not help.")]
    private static partial void RedisRefuses(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(207, LogLevel.Information, "The work on message {MessageId} was stopped in round {Round}.")]
    public static partial void WorkStopped(this ILogger logger, string messageId, int round);

    [LoggerMessage(208, LogLevel.Warning, "Orchestration {InstanceId} could not be told that the model is alive.")]
    public static partial void ProgressNotTold(this ILogger logger, Exception exception, string instanceId);

    [LoggerMessage(209, LogLevel.Information, "Message {MessageId} is answered, with {Responses} responses of the model.")]
    public static partial void AnswerCompleted(this ILogger logger, string messageId, int responses);

    [LoggerMessage(210, LogLevel.Warning, "Message {MessageId} is not answered: {Cause} ({Details}).")]
    public static partial void AnswerFailed(this ILogger logger, string messageId, string cause, string details);

    [LoggerMessage(211, LogLevel.Error, "A step of ending message {MessageId} failed.")]
    public static partial void StepOfFailingFailed(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(212, LogLevel.Warning, "The turn of message {MessageId} could not be given on; its lease will end.")]
    public static partial void TurnNotGivenOn(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(213, LogLevel.Warning, "The work of orchestration {InstanceId} hears no signal to stop until Redis is back.")]
    public static partial void StopSignalsNotHeard(this ILogger logger, Exception exception, string instanceId);

    [LoggerMessage(214, LogLevel.Warning, "Work of orchestration {InstanceId} in other processes was not told to stop; it ends at its own deadline.")]
    public static partial void StopSignalNotSent(this ILogger logger, Exception exception, string instanceId);

    [LoggerMessage(215, LogLevel.Information, "Message {MessageId} is to be cancelled.")]
    public static partial void CancelRequested(this ILogger logger, string messageId);

    [LoggerMessage(216, LogLevel.Warning, "Message {MessageId} could not interrupt what is before it, and waits.")]
    public static partial void NotInterrupted(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(218, LogLevel.Warning, "Redis has lost the body of message {MessageId}; its dead letter has what else is known of it.")]
    public static partial void BodyLost(this ILogger logger, string messageId);

    [LoggerMessage(608, LogLevel.Warning, "Message {MessageId} could not be cancelled.")]
    public static partial void NotCancelled(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(220, LogLevel.Warning, "What a response to message {MessageId} used is not counted: {InputTokens} tokens in, {OutputTokens} out.")]
    public static partial void UsageNotCounted(this ILogger logger, Exception exception, string messageId, long inputTokens, long outputTokens);

    [LoggerMessage(222, LogLevel.Warning, "The history of the channel does not know when message {MessageId} was answered.")]
    public static partial void HistoryNotRecorded(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(223, LogLevel.Warning, "The messages of a channel could not be read.")]
    public static partial void MessagesNotRead(this ILogger logger, Exception exception);

    [LoggerMessage(224, LogLevel.Warning, "What a user thinks of the answer to message {MessageId} could not be kept.")]
    public static partial void FeedbackNotKept(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(221, LogLevel.Warning, "The producer of message {MessageId} gets no reply: {Reason}.")]
    public static partial void NoReply(this ILogger logger, string messageId, string reason);

    [LoggerMessage(228, LogLevel.Information, "Message {MessageId} was replaced: {Items} items were taken out of the conversation.")]
    public static partial void TakenOut(this ILogger logger, string messageId, int items);

    [LoggerMessage(225, LogLevel.Information, "Call {CallId} of message {MessageId} was decided on, approved: {Approved}, by {By}.")]
    public static partial void CallDecided(this ILogger logger, string messageId, string callId, bool approved, string by);

    [LoggerMessage(226, LogLevel.Warning, "The orchestration of message {MessageId} could not be told of the decision on call {CallId}; it finds it by itself.")]
    public static partial void DecisionNotTold(this ILogger logger, Exception exception, string messageId, string callId);

    [LoggerMessage(227, LogLevel.Warning, "A decision on a call of message {MessageId} could not be taken.")]
    public static partial void NotDecided(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(230, LogLevel.Warning, "Message {MessageId} is not counted in its channel's metadata.")]
    public static partial void MessagesNotCounted(this ILogger logger, Exception exception, string messageId);

    [LoggerMessage(229, LogLevel.Warning, "Message {MessageId} is refused: there is no room for more answers at once. Let more instances run, or larger ones.")]
    public static partial void NoCapacity(this ILogger logger, string messageId);

    [LoggerMessage(231, LogLevel.Error, "Message {MessageId} was left without an end by orchestration {InstanceId}, which begins anew for that. {Reason}.")]
    public static partial void AnswerAbandoned(this ILogger logger, string messageId, string instanceId, string reason);

    [LoggerMessage(232, LogLevel.Error, "The message that orchestration {InstanceId} has left without an end could not be given one; the next look tries again.")]
    public static partial void AbandonedNotEnded(this ILogger logger, Exception exception, string instanceId);
}
