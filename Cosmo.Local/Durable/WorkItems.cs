using Cosmo.Local.Durable.Storage;
using DurableTask.Core;

namespace Cosmo.Local.Durable;

/// <summary>A step of an instance: its history and what it has not yet seen.</summary>
internal sealed class InstanceWorkItem : TaskOrchestrationWorkItem
{
    public InstanceWorkItem(LockedInstance locked, ReadyQueue queue)
    {
        Locked = locked;
        Queue = queue;
        InstanceId = locked.InstanceId;

        // One process owns the file: a lock never expires and need not be renewed.
        LockedUntilUtc = DateTime.MaxValue;
    }

    public LockedInstance Locked { get; }

    /// <summary>Where it was taken from.</summary>
    public ReadyQueue Queue { get; }

    /// <summary>Whether the inbox holds more than the step takes.</summary>
    public bool HasMore { get; init; }

    public bool IsDone { get; set; }

    /// <summary>How long it waits before it is tried again, if it was abandoned.</summary>
    public TimeSpan Pause { get; set; }
}

/// <summary>An activity that is to be run.</summary>
internal sealed class ActivityWorkItem : TaskActivityWorkItem
{
    public ActivityWorkItem(long activityId, TaskMessage message)
    {
        ActivityId = activityId;
        Id = $"{message.OrchestrationInstance.InstanceId}:{activityId}";
        TaskMessage = message;
        LockedUntilUtc = DateTime.MaxValue;
    }

    public long ActivityId { get; }
}
