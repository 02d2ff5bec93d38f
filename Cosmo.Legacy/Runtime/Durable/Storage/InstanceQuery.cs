using System.Globalization;
using System.Text.Json;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>Finds instances, page by page in the order of their start.</summary>
internal static class InstanceQuery
{
    /// <summary>What a query and a purge can ask for: $1 and $2 are the range of creation times, $3 a JSON list of statuses; null for all.</summary>
    public const string Filter = """
        ($1 IS NULL OR created_at >= $1) AND ($2 IS NULL OR created_at <= $2)
        AND ($3 IS NULL OR status IN (SELECT value FROM json_each($3)))
        """;

    /// <returns>The instances, and the token of the next page; null if this is the last.</returns>
    public static (List<Execution> Found, string? Next) Page(SqliteSession session, OrchestrationQuery query, int size, string? continuation)
    {
        var after = continuation is null ? 0 : long.Parse(continuation, CultureInfo.InvariantCulture);
        var found = session.Query(
            $"""
            SELECT {InstanceTable.Columns} FROM instances
            WHERE {Filter} AND ($4 IS NULL OR substr(instance_id, 1, length($4)) = $4) AND execution_id > $5
            ORDER BY execution_id LIMIT $6
            """,
            InstanceTable.Map,
            query.CreatedFrom?.UtcTicks,
            query.CreatedTo?.UtcTicks,
            Json(query.Statuses),
            query.InstanceIdPrefix,
            after,
            size);
        return (found, found.Count < size ? null : found[^1].ExecutionId.ToString(CultureInfo.InvariantCulture));
    }

    public static string? Json(IEnumerable<OrchestrationRuntimeStatus>? statuses)
        => statuses is null ? null : JsonSerializer.Serialize(statuses);
}
