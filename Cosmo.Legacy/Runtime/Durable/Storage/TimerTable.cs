using Cosmo.Local.Runtime.Durable.History;
using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>The timers that have not fired yet.</summary>
internal static class TimerTable
{
    /// <summary>The number of the timer that begins an execution which was scheduled for later.</summary>
    public const int StartTaskId = -1;

    private const int MostAtOnce = 500;

    public static void Add(SqliteSession session, long executionId, int taskId, DateTime fireAt, Wakeups wakeups)
    {
        session.Execute("INSERT INTO timers (execution_id, task_id, fire_at) VALUES ($1, $2, $3)", executionId, taskId, fireAt.Ticks);
        wakeups.AddTimer(fireAt);
    }

    public static void Remove(SqliteSession session, long executionId, int taskId)
        => session.Execute("DELETE FROM timers WHERE execution_id = $1 AND task_id = $2", executionId, taskId);

    public static void Clear(SqliteSession session, long executionId)
        => session.Execute("DELETE FROM timers WHERE execution_id = $1", executionId);

    /// <summary>Puts the timers that are due into the inboxes, the earliest first, and says when the next one is.</summary>
    public static Wakeups FireDue(SqliteSession session, DateTime now)
    {
        var wakeups = new Wakeups();
        var due = session.Query(
            "SELECT execution_id, task_id FROM timers WHERE fire_at <= $1 ORDER BY fire_at LIMIT $2",
            row => (ExecutionId: row.GetInt64(0), TaskId: row.GetInt32(1)),
            now.Ticks,
            MostAtOnce);
        foreach (var (executionId, taskId) in due)
        {
            Remove(session, executionId, taskId);
            InboxTable.Add(session, executionId, new TimerFired(taskId), wakeups);
        }

        FindNext(session, wakeups);
        return wakeups;
    }

    public static void FindNext(SqliteSession session, Wakeups wakeups)
    {
        if (session.Find("SELECT fire_at FROM timers ORDER BY fire_at LIMIT 1", NullableTime) is { } next)
        {
            wakeups.AddTimer(next);
        }
    }

    private static DateTime? NullableTime(SqliteDataReader row) => row.Time(0);
}
