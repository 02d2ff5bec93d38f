namespace Cosmo.Local.Runtime;

internal static partial class Log
{
    [LoggerMessage(800, LogLevel.Error, "Function {Function} failed with {Error} (invocation {InvocationId})")]
    public static partial void FunctionFailed(ILogger logger, string function, string invocationId, string error);

    [LoggerMessage(801, LogLevel.Debug, "A request to function {Function} was answered with 500 because of {Error}")]
    public static partial void RequestFailed(ILogger logger, string function, string error);

    [LoggerMessage(802, LogLevel.Information, "Function {Function} listens to queue {Queue}")]
    public static partial void ListenerStarted(ILogger logger, string function, string queue);

    [LoggerMessage(803, LogLevel.Warning, "Function {Function} cannot listen to queue {Queue} yet and tries again: {Reason}")]
    public static partial void ListenerWaits(ILogger logger, string function, string queue, string reason);

    [LoggerMessage(804, LogLevel.Information, "Function {Function} no longer listens to queue {Queue}")]
    public static partial void ListenerLost(ILogger logger, string function, string queue);

    [LoggerMessage(805, LogLevel.Debug, "A message of function {Function} failed with {Error}")]
    public static partial void MessageFailed(ILogger logger, string function, string error);

    [LoggerMessage(806, LogLevel.Warning, "A message of function {Function} goes to the queue's tail, for the {Count}. time")]
    public static partial void MessageRepublished(ILogger logger, string function, int count);

    [LoggerMessage(807, LogLevel.Error, "A message of function {Function} is rejected after {Tries} tries")]
    public static partial void MessageRejected(ILogger logger, string function, int tries);

    [LoggerMessage(808, LogLevel.Warning, "The broker went away before it heard how a message of function {Function} ended ({Error}); it will come again")]
    public static partial void AnswerLost(ILogger logger, string function, string error);

    [LoggerMessage(809, LogLevel.Warning, "Function {Function} is past due: its occurrence at {Due:u} was missed")]
    public static partial void TimerPastDue(ILogger logger, string function, DateTime due);

    [LoggerMessage(810, LogLevel.Debug, "Function {Function} runs next at {Next:u}")]
    public static partial void TimerWaits(ILogger logger, string function, DateTime next);

    [LoggerMessage(811, LogLevel.Warning, "Function {Function} is tried again in {Delay}, for the {Count}. time")]
    public static partial void FunctionRetried(ILogger logger, string function, TimeSpan delay, int count);

    [LoggerMessage(812, LogLevel.Warning, "The last run of function {Function} could not be kept or read: {Error}")]
    public static partial void TimerStatusLost(ILogger logger, string function, string error);

    [LoggerMessage(813, LogLevel.Debug, "How function {Function} failed (invocation {InvocationId})")]
    public static partial void FunctionFailure(ILogger logger, string function, string invocationId, Exception error);
}
