using Cosmo.Local.Runtime.Durable.History;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>An activity that is to be run.</summary>
internal sealed record PendingActivity(long ActivityId, long ExecutionId, string InstanceId, TaskScheduled Task, string? TraceParent);

/// <summary>The activities that have not finished. One that is running has its row still, so a crash leaves it to the next start.</summary>
internal static class ActivityTable
{
    public static void Add(SqliteSession session, long executionId, int sequence, Wakeups wakeups) => wakeups.Activities.Add(
        session.Insert("INSERT INTO activities (execution_id, sequence) VALUES ($1, $2)", executionId, sequence));

    /// <summary>Null if nobody waits for it any more.</summary>
    public static PendingActivity? Find(SqliteSession session, long activityId) => session.Find(
        """
        SELECT a.execution_id, i.instance_id, h.event, i.trace_parent FROM activities AS a
        JOIN instances AS i ON i.execution_id = a.execution_id
        JOIN history AS h ON h.execution_id = a.execution_id AND h.sequence = a.sequence
        WHERE a.activity_id = $1
        """,
        row => new PendingActivity(
            activityId, row.GetInt64(0), row.GetString(1), (TaskScheduled)HistoryJson.Read<HistoryEvent>(row.GetString(2)), row.Text(3)),
        activityId);

    /// <summary>Hands in how an activity ended. It is dropped if nobody waits for it any more.</summary>
    public static Wakeups Finish(SqliteSession session, PendingActivity activity, HistoryEvent end)
    {
        var wakeups = new Wakeups();
        if (session.Execute("DELETE FROM activities WHERE activity_id = $1", activity.ActivityId) == 1)
        {
            InboxTable.Add(session, activity.ExecutionId, end, wakeups);
        }

        return wakeups;
    }

    public static void Clear(SqliteSession session, long executionId)
        => session.Execute("DELETE FROM activities WHERE execution_id = $1", executionId);

    public static List<long> All(SqliteSession session)
        => session.Query("SELECT activity_id FROM activities ORDER BY activity_id", row => row.GetInt64(0));
}
