using Cosmo.Local.Runtime.Durable.History;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>A message that an execution has not seen yet.</summary>
internal sealed record InboxMessage(long MessageId, HistoryEvent Event);

/// <summary>What came for an execution, in the order of its coming.</summary>
internal static class InboxTable
{
    public static void Add(SqliteSession session, long executionId, HistoryEvent message, Wakeups wakeups)
    {
        session.Execute("INSERT INTO inbox (execution_id, event) VALUES ($1, $2)", executionId, HistoryJson.Write(message));
        wakeups.Executions.Add(executionId);
    }

    public static List<InboxMessage> Read(SqliteSession session, long executionId) => session.Query(
        "SELECT message_id, event FROM inbox WHERE execution_id = $1 ORDER BY message_id",
        row => new InboxMessage(row.GetInt64(0), HistoryJson.Read<HistoryEvent>(row.GetString(1))),
        executionId);

    public static void Remove(SqliteSession session, long messageId)
        => session.Execute("DELETE FROM inbox WHERE message_id = $1", messageId);

    public static void Clear(SqliteSession session, long executionId)
        => session.Execute("DELETE FROM inbox WHERE execution_id = $1", executionId);
}
