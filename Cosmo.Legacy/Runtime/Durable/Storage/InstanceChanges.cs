using Cosmo.Local.Runtime.Durable.History;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>Changes that come from outside an orchestration: from a client, or from another orchestration.</summary>
internal static class InstanceChanges
{
    /// <summary>Starts an instance. One that exists and has ended, in a status that does not refuse it, is replaced.</summary>
    /// <returns>Null if it was started, else the status that refuses it.</returns>
    public static OrchestrationRuntimeStatus? Start(
        SqliteSession session, NewExecution start, IReadOnlyCollection<OrchestrationRuntimeStatus> refusing, Wakeups wakeups)
    {
        if (InstanceTable.Find(session, start.InstanceId) is { } existing)
        {
            if (!existing.HasEnded || refusing.Contains(existing.Status))
            {
                return existing.Status;
            }

            InstanceTable.Delete(session, existing.ExecutionId);
        }

        var executionId = InstanceTable.Insert(session, start);
        wakeups.ChangedInstances.Add(start.InstanceId);
        if (start.StartAt is { } startAt)
        {
            TimerTable.Add(session, executionId, TimerTable.StartTaskId, startAt, wakeups);
        }
        else
        {
            wakeups.Executions.Add(executionId);
        }

        return null;
    }

    /// <summary>Puts a message into an instance's inbox. It is dropped if there is no such instance or it has ended.</summary>
    /// <returns>The status of the instance; null if there is none.</returns>
    public static OrchestrationRuntimeStatus? Send(SqliteSession session, string instanceId, HistoryEvent message, Wakeups wakeups)
    {
        var target = InstanceTable.Find(session, instanceId);
        if (target is { HasEnded: false })
        {
            InboxTable.Add(session, target.ExecutionId, message, wakeups);
        }

        return target?.Status;
    }

    /// <summary>Everything that an engine finds to do when it starts on a database.</summary>
    public static Wakeups Recover(SqliteSession session)
    {
        var wakeups = new Wakeups();
        wakeups.Executions.UnionWith(InstanceTable.Ready(session));
        wakeups.Activities.AddRange(ActivityTable.All(session));
        TimerTable.FindNext(session, wakeups);
        return wakeups;
    }
}
