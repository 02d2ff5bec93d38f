namespace Cosmo.Local.Runtime.Durable;

/// <summary>What the durable engine logs. What an exception says may quote a user, so it is logged at Debug.</summary>
internal static partial class Log
{
    [LoggerMessage(850, LogLevel.Information, "Durable engine started on {Database}: {Orchestrations} orchestrations and {Activities} activities to take up again")]
    public static partial void Started(ILogger logger, string database, int orchestrations, int activities);

    [LoggerMessage(851, LogLevel.Warning, "Orchestration {Name} ({InstanceId}) failed: {ErrorType}")]
    public static partial void OrchestrationFailed(ILogger logger, string name, string instanceId, string errorType);

    [LoggerMessage(852, LogLevel.Debug, "Orchestration {InstanceId} failed: {ErrorMessage}")]
    public static partial void OrchestrationFailure(ILogger logger, string instanceId, string errorMessage);

    [LoggerMessage(853, LogLevel.Error, "A step of execution {ExecutionId} was not carried out; it is tried again at the next message or start")]
    public static partial void StepFailed(ILogger logger, long executionId, Exception error);

    [LoggerMessage(854, LogLevel.Warning, "Activity {Name} (#{TaskId}) of {InstanceId} failed: {ErrorType}")]
    public static partial void ActivityFailed(ILogger logger, string name, int taskId, string instanceId, string errorType);

    [LoggerMessage(855, LogLevel.Debug, "Activity {Name} (#{TaskId}) of {InstanceId} failed")]
    public static partial void ActivityFailure(ILogger logger, string name, int taskId, string instanceId, Exception error);

    [LoggerMessage(856, LogLevel.Information, "Activity {Name} (#{TaskId}) of {InstanceId} was interrupted; it runs again at the next start")]
    public static partial void ActivityInterrupted(ILogger logger, string name, int taskId, string instanceId);

    [LoggerMessage(857, LogLevel.Error, "Activity {ActivityId} was not carried out; it is tried again at the next start")]
    public static partial void ActivityNotRun(ILogger logger, long activityId, Exception error);

    [LoggerMessage(858, LogLevel.Information, "Durable engine stopped; {Running} activities were interrupted")]
    public static partial void Stopped(ILogger logger, int running);

    [LoggerMessage(859, LogLevel.Error, "Due timers were not fired")]
    public static partial void TimersFailed(ILogger logger, Exception error);
}
