using DurableTask.Core;

namespace Cosmo.Local.Durable.Storage;

/// <summary>The activities that have not ended. One that is running has its row still, so a crash leaves it to the next start.</summary>
internal static class Activities
{
    public static long Insert(SqliteSession session, Message activity, string? tags) => session.Insert(
        "INSERT INTO activities (instance_id, execution_id, event, tags) VALUES (?1, ?2, ?3, ?4)",
        activity.InstanceId,
        activity.ExecutionId,
        activity.Text,
        tags);

    public static TaskMessage? Find(SqliteSession session, long activityId) => session.Find(
        "SELECT instance_id, execution_id, event, tags FROM activities WHERE activity_id = ?1",
        row => new TaskMessage
        {
            SequenceNumber = activityId,
            OrchestrationInstance = new OrchestrationInstance { InstanceId = row.String(0), ExecutionId = row.Text(1) },
            Event = HistoryText.ReadOne(row.String(2)),
            OrchestrationExecutionContext = ReadContext(row.Text(3)),
        },
        activityId);

    /// <summary>Hands in how an activity ended. It is dropped if nobody waits for it any more.</summary>
    public static void Finish(SqliteSession session, long activityId, Message end, Wakeups wakeups)
    {
        if (session.Execute("DELETE FROM activities WHERE activity_id = ?1", activityId) == 1)
        {
            Messages.Deliver(session, end, wakeups);
        }
    }

    public static List<long> All(SqliteSession session)
        => session.Query("SELECT activity_id FROM activities ORDER BY activity_id", row => row.Long(0));

    private static OrchestrationExecutionContext? ReadContext(string? tags)
        => tags is null ? null : HistoryText.ReadValue<OrchestrationExecutionContext>($$"""{"OrchestrationTags":{{tags}}}""");
}
