using DurableTask.Core.History;

namespace Cosmo.Local.Durable;

/// <summary>What the durable store logs. It knows ids and names, no inputs and no results.</summary>
internal static partial class Log
{
    [LoggerMessage(850, LogLevel.Information, "Durable store opened on {Database}: {Instances} instances and {Activities} activities to take up again")]
    public static partial void Opened(ILogger logger, string database, int instances, int activities);

    [LoggerMessage(851, LogLevel.Error, "{Problem} Until then durable functions wait")]
    public static partial void CommitWaits(ILogger logger, string problem);

    [LoggerMessage(852, LogLevel.Information, "The durable database {Database} can be written again")]
    public static partial void StoreWorksAgain(ILogger logger, string database);

    [LoggerMessage(853, LogLevel.Error, "{Changes} changes were given up: {Problem}")]
    public static partial void CommitFailed(ILogger logger, int changes, string problem);

    [LoggerMessage(EventId = 854, Message = "{EventType} to {InstanceId} was dropped: {Reason}")]
    public static partial void Dropped(ILogger logger, LogLevel level, EventType eventType, string instanceId, string reason);

    [LoggerMessage(855, LogLevel.Warning, "A step of {InstanceId} was not carried out; it is tried again in {Pause}")]
    public static partial void StepAbandoned(ILogger logger, string instanceId, TimeSpan pause);

    [LoggerMessage(856, LogLevel.Warning, "Activity {Name} of {InstanceId} was not carried out; it is tried again in {Pause}")]
    public static partial void ActivityAbandoned(ILogger logger, string name, string instanceId, TimeSpan pause);

    [LoggerMessage(857, LogLevel.Warning, "Messages to {InstanceId} were dropped: it has no history that they belong to")]
    public static partial void WorkItemDropped(ILogger logger, string instanceId);

    [LoggerMessage(858, LogLevel.Error, "Due timers were not fired; they are tried again in {Pause}")]
    public static partial void TimersFailed(ILogger logger, TimeSpan pause, Exception error);
}
