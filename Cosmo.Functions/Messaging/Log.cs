namespace Cosmo.Functions.Messaging;

internal static partial class Log
{
    [LoggerMessage(101, LogLevel.Information, "Exchange {Exchange} and queue {Queue} are there, with their dead-letter twins.")]
    public static partial void TopologyDeclared(this ILogger logger, string exchange, string queue);

    [LoggerMessage(102, LogLevel.Error, "The broker has an exchange or queue of this name with other arguments; it is used as it is: {Reason}")]
    public static partial void TopologyDiffers(this ILogger logger, string reason);

    [LoggerMessage(103, LogLevel.Warning, "Exchanges and queues are not declared yet, the next try follows: {Reason}")]
    public static partial void TopologyNotDeclared(this ILogger logger, string reason);

    [LoggerMessage(104, LogLevel.Information, "Message {MessageId} went to the dead letters: {Cause}.")]
    public static partial void DeadLetterWritten(this ILogger logger, string messageId, string cause);

    [LoggerMessage(107, LogLevel.Information, "The dead letter of message {MessageId} is delivered again, as attempt {Attempt}.")]
    public static partial void DeadLetterReplayed(this ILogger logger, string messageId, int attempt);

    [LoggerMessage(108, LogLevel.Warning, "The lock on the dead letters could not be given back; it expires.")]
    public static partial void DeadLettersNotUnlocked(this ILogger logger, Exception exception);
}
