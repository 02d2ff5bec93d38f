using Cosmo.Local.Runtime.Durable.History;
using Microsoft.Data.Sqlite;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>One row an instance: its newest execution.</summary>
internal static class InstanceTable
{
    /// <summary>The columns that <see cref="Map"/> reads.</summary>
    public const string Columns =
        "execution_id, instance_id, name, status, created_at, updated_at, start_at, input, output, custom_status, failure, "
        + "parent_execution_id, parent_task_id, parent_instance_id, parent_name, trace_parent";

    private const string Ended = "(1, 3, 5)";

    public static long Insert(SqliteSession session, NewExecution execution) => session.Insert(
        """
        INSERT INTO instances (instance_id, name, status, created_at, updated_at, start_at, input,
            parent_execution_id, parent_task_id, parent_instance_id, parent_name, trace_parent)
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        execution.InstanceId,
        execution.Name,
        (long)execution.Status,
        execution.CreatedAt.Ticks,
        execution.StartAt?.Ticks,
        execution.Input,
        execution.Parent?.ExecutionId,
        execution.Parent?.TaskId,
        execution.Parent?.InstanceId,
        execution.Parent?.Name,
        execution.TraceParent);

    public static Execution? Find(SqliteSession session, string instanceId)
        => session.Find($"SELECT {Columns} FROM instances WHERE instance_id = $1", Map, instanceId);

    public static Execution? Find(SqliteSession session, long executionId)
        => session.Find($"SELECT {Columns} FROM instances WHERE execution_id = $1", Map, executionId);

    public static void SetStatus(
        SqliteSession session, long executionId, OrchestrationRuntimeStatus status, string? customStatus, DateTime now) => session.Execute(
        "UPDATE instances SET status = $2, custom_status = $3, updated_at = $4 WHERE execution_id = $1",
        executionId,
        (long)status,
        customStatus,
        now.Ticks);

    public static void SetOutcome(SqliteSession session, long executionId, string? output, TaskFailureDetails? failure) => session.Execute(
        "UPDATE instances SET output = $2, failure = $3 WHERE execution_id = $1",
        executionId,
        output,
        failure is null ? null : HistoryJson.Write(failure));

    /// <summary>Removes an execution with everything that belongs to it.</summary>
    public static void Delete(SqliteSession session, long executionId)
        => session.Execute("DELETE FROM instances WHERE execution_id = $1", executionId);

    /// <summary>The executions that a parent instance started and that have not ended.</summary>
    public static List<long> RunningChildren(SqliteSession session, string parentInstanceId) => session.Query(
        $"SELECT execution_id FROM instances WHERE parent_instance_id = $1 AND status NOT IN {Ended}",
        row => row.GetInt64(0),
        parentInstanceId);

    /// <summary>The executions that did not end and have something to do: a message to read, or not even begun.</summary>
    public static List<long> Ready(SqliteSession session) => session.Query(
        $"""
        SELECT execution_id FROM instances AS i
        WHERE status NOT IN {Ended} AND (
            EXISTS (SELECT 1 FROM inbox WHERE inbox.execution_id = i.execution_id)
            OR NOT EXISTS (SELECT 1 FROM history WHERE history.execution_id = i.execution_id))
        """,
        row => row.GetInt64(0));

    public static Execution Map(SqliteDataReader row) => new(
        row.GetInt64(0),
        row.GetString(1),
        row.GetString(2),
        (OrchestrationRuntimeStatus)row.GetInt32(3),
        row.Time(4),
        row.Time(5),
        row.IsDBNull(6) ? null : row.Time(6),
        row.Text(7),
        row.Text(8),
        row.Text(9),
        row.Text(10) is { } failure ? HistoryJson.Read<TaskFailureDetails>(failure) : null,
        row.IsDBNull(11) ? null : new ParentTask(row.GetInt64(11), row.GetInt32(12), row.GetString(13), row.GetString(14)),
        row.Text(15));
}
