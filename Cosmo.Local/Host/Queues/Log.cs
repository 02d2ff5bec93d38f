namespace Cosmo.Local.Host.Queues;

internal static partial class Log
{
    [LoggerMessage(830, LogLevel.Information, "Function {Function} listens to queue {Queue}")]
    public static partial void ListenerStarted(ILogger logger, string function, string queue);

    [LoggerMessage(831, LogLevel.Warning, "Function {Function} cannot listen to queue {Queue} yet and tries again: {Reason}")]
    public static partial void ListenerWaits(ILogger logger, string function, string queue, string reason);

    [LoggerMessage(832, LogLevel.Information, "Function {Function} no longer listens to queue {Queue}")]
    public static partial void ListenerLost(ILogger logger, string function, string queue);

    [LoggerMessage(837, LogLevel.Error, "The broker has dropped function {Function} from queue {Queue}; it takes nothing from there until the host is started again")]
    public static partial void ListenerDropped(ILogger logger, string function, string queue);

    [LoggerMessage(833, LogLevel.Debug, "A message of function {Function} failed with {Error}")]
    public static partial void MessageFailed(ILogger logger, string function, string error);

    [LoggerMessage(834, LogLevel.Warning, "A message of function {Function} goes to the queue's tail, for the {Count}. time")]
    public static partial void MessageRepublished(ILogger logger, string function, int count);

    [LoggerMessage(835, LogLevel.Error, "A message of function {Function} is rejected after {Tries} tries")]
    public static partial void MessageRejected(ILogger logger, string function, int tries);

    [LoggerMessage(836, LogLevel.Warning, "The broker went away before it heard how a message of function {Function} ended ({Error}); it will come again")]
    public static partial void AnswerLost(ILogger logger, string function, string error);
}
