using DurableTask.Core.History;

namespace Cosmo.Local.Terminal.Planning;

/// <summary>
/// What the Durable Task Scheduler bills for an orchestration: starts, of activities too, their results, events from outside, and timers
/// (<see href="https://learn.microsoft.com/azure/durable-task/scheduler/durable-task-scheduler-billing">its definition of an action</see>).
/// </summary>
internal static class DurableActions
{
    /// <summary>The actions that a history shows. A timer counts from when it was made, as in <see cref="AppFigures.TimerActions"/>.</summary>
    public static int Count(IEnumerable<HistoryEvent> history) => history.Count(happened => happened.EventType is
        EventType.ExecutionStarted or EventType.ExecutionTerminated or EventType.ExecutionSuspended or EventType.ExecutionResumed
        or EventType.TaskScheduled or EventType.TaskCompleted or EventType.TaskFailed
        or EventType.SubOrchestrationInstanceCompleted or EventType.SubOrchestrationInstanceFailed
        or EventType.TimerCreated or EventType.EventRaised);
}
