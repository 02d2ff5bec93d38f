using Cosmo.Local.Runtime.Durable.History;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>The events of an execution, numbered from 0.</summary>
internal static class HistoryTable
{
    public static void Append(SqliteSession session, long executionId, int sequence, HistoryEvent happened) => session.Execute(
        "INSERT INTO history (execution_id, sequence, event) VALUES ($1, $2, $3)",
        executionId,
        sequence,
        HistoryJson.Write(happened));

    public static int Count(SqliteSession session, long executionId) => session.Find(
        "SELECT sequence + 1 FROM history WHERE execution_id = $1 ORDER BY sequence DESC LIMIT 1", row => row.GetInt32(0), executionId);

    public static List<HistoryEvent> Read(SqliteSession session, long executionId) => session.Query(
        "SELECT event FROM history WHERE execution_id = $1 ORDER BY sequence",
        row => HistoryJson.Read<HistoryEvent>(row.GetString(0)),
        executionId);
}
