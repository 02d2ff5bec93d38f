namespace Cosmo.Local.Host.Timers;

internal static partial class Log
{
    [LoggerMessage(840, LogLevel.Warning, "Function {Function} is past due: its occurrence at {Due:u} was missed")]
    public static partial void TimerPastDue(ILogger logger, string function, DateTime due);

    [LoggerMessage(841, LogLevel.Debug, "Function {Function} runs next at {Next:u}")]
    public static partial void TimerWaits(ILogger logger, string function, DateTime next);

    [LoggerMessage(842, LogLevel.Warning, "Function {Function} is tried again in {Delay}, for the {Count}. time")]
    public static partial void FunctionRetried(ILogger logger, string function, TimeSpan delay, int count);

    [LoggerMessage(843, LogLevel.Warning, "The last run of function {Function} could not be kept or read: {Error}")]
    public static partial void TimerStatusLost(ILogger logger, string function, string error);
}
