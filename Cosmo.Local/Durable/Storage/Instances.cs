using System.Globalization;
using DurableTask.Core;
using DurableTask.Core.History;

namespace Cosmo.Local.Durable.Storage;

/// <summary>Which row an instance is, and how it stands.</summary>
internal readonly record struct InstanceKey(long Id, string? ExecutionId, OrchestrationStatus Status)
{
    public bool HasEnded => Instances.Ended.Contains(Status);
}

/// <summary>The rows of instances.</summary>
internal static class Instances
{
    /// <summary>The statuses that an instance does not leave, unless it is started again or rewound.</summary>
    public static IReadOnlyList<OrchestrationStatus> Ended { get; } =
        [OrchestrationStatus.Completed, OrchestrationStatus.Failed, OrchestrationStatus.Terminated, OrchestrationStatus.Canceled];

    private const string StateColumns =
        "id, instance_id, execution_id, name, version, status, created_at, updated_at, completed_at, start_at, custom_status, parent, tags";

    private const string PayloadColumns = ", input, output, failure";

    public static InstanceKey? Find(SqliteSession session, string instanceId) => session.Find(
        "SELECT id, execution_id, status FROM instances WHERE instance_id = ?1",
        row => new InstanceKey?(new InstanceKey(row.Long(0), row.Text(1), (OrchestrationStatus)row.Int(2))),
        instanceId);

    public static OrchestrationState? FindState(SqliteSession session, string instanceId) => session.Find(
        $"SELECT {StateColumns}{PayloadColumns} FROM instances WHERE instance_id = ?1", row => Map(row, withPayloads: true).State, instanceId);

    public static long Insert(SqliteSession session, ExecutionStartedEvent start) => session.Insert(
        """
        INSERT INTO instances (instance_id, execution_id, name, version, status, created_at, updated_at, start_at, parent, tags, input)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10)
        """,
        start.OrchestrationInstance.InstanceId,
        start.OrchestrationInstance.ExecutionId,
        start.Name ?? "",
        start.Version,
        (int)OrchestrationStatus.Pending,
        start.Timestamp.UtcTicks(),
        start.ScheduledStartTime?.UtcTicks(),
        HistoryText.WriteValue(start.ParentInstance),
        HistoryText.WriteValue(start.Tags),
        start.Input);

    /// <summary>An entity begins with the first message to it.</summary>
    public static InstanceKey InsertEntity(SqliteSession session, string instanceId)
    {
        var now = DateTime.UtcNow.Ticks;
        var id = session.Insert(
            "INSERT INTO instances (instance_id, name, status, created_at, updated_at) VALUES (?1, ?1, ?2, ?3, ?3)",
            instanceId,
            (int)OrchestrationStatus.Pending,
            now);
        return new InstanceKey(id, null, OrchestrationStatus.Pending);
    }

    /// <summary>Removes an instance with all that belongs to it. Activities of its that are still to be run will be.</summary>
    public static void Delete(SqliteSession session, long id)
    {
        session.Execute("DELETE FROM instances WHERE id = ?1", id);
        session.Execute("DELETE FROM history WHERE id = ?1", id);
        session.Execute("DELETE FROM inbox WHERE id = ?1", id);
        session.Execute("DELETE FROM timers WHERE id = ?1", id);
    }

    /// <summary>The texts of an instance's history, a step each.</summary>
    public static List<string> History(SqliteSession session, long id)
        => session.Query("SELECT events FROM history WHERE id = ?1 ORDER BY step", row => row.String(0), id);

    /// <summary>Instances that have ended and whose start, end or last change was before a time.</summary>
    public static List<long> EndedBefore(SqliteSession session, DateTime before, OrchestrationStateTimeRangeFilterType of, int most)
    {
        var time = of switch
        {
            OrchestrationStateTimeRangeFilterType.OrchestrationCompletedTimeFilter => "completed_at",
            OrchestrationStateTimeRangeFilterType.OrchestrationLastUpdatedTimeFilter => "updated_at",
            _ => "created_at",
        };
        return session.Query(
            $"SELECT id FROM instances WHERE {time} < ?1 AND status IN (SELECT value FROM json_each(?2)) LIMIT ?3",
            row => row.Long(0),
            before.UtcTicks(),
            Json(Ended),
            most);
    }

    /// <summary>Finds instances, page by page: with a prefix in the order of their ids, else in the order of their start.</summary>
    public static InstancePage Page(SqliteSession session, InstanceFilter filter, int size, string? token)
    {
        var (sql, values) = filter.Prefix is { Length: > 0 }
            ? ByPrefix(filter, size, token)
            : ByTime(filter, size, token);
        var found = session.Query(
            $"SELECT {StateColumns}{(filter.WithPayloads ? PayloadColumns : "")} FROM ({sql})", row => Map(row, filter.WithPayloads), values);
        return new InstancePage(found, found.Count < size ? null : Token(filter, found[^1]));
    }

    // Here and by time there is one bound below, not two: SQLite enters the index at the first that it finds, which need not be the higher one.
    private static (string Sql, object?[] Values) ByPrefix(InstanceFilter filter, int size, string? token)
    {
        var after = token is not null && token.StartsWith(filter.Prefix!, StringComparison.Ordinal) ? token : null;
        return (
            $"""
            SELECT * FROM instances
            WHERE instance_id {(after is null ? ">=" : ">")} ?1 AND instance_id < ?2 AND created_at >= ?3 AND created_at <= ?4
            AND (?5 IS NULL OR status IN (SELECT value FROM json_each(?5))) {filter.Kind}
            ORDER BY instance_id LIMIT ?6
            """,
            [after ?? filter.Prefix, filter.Prefix + "\U0010FFFF", filter.CreatedFrom.UtcTicks(), filter.CreatedTo.UtcTicks(), Json(filter.Statuses), size]);
    }

    // Each status is a range of the index, so that few instances of one status are found quickly among many of others.
    private static (string Sql, object?[] Values) ByTime(InstanceFilter filter, int size, string? token)
    {
        var (created, id) = ReadToken(token) is var after && after.Created >= filter.CreatedFrom.UtcTicks() ? after : (filter.CreatedFrom.UtcTicks(), -1);
        const string After = "(created_at, id) > (?1, ?2) AND created_at <= ?3";
        const string Order = "ORDER BY created_at, id LIMIT ?4";
        object?[] range = [created, id, filter.CreatedTo.UtcTicks(), size];
        if (filter.Statuses is null)
        {
            return ($"SELECT * FROM instances WHERE {After} {filter.Kind} {Order}", range);
        }

        var ranges = filter.Statuses.Distinct().Select(status => string.Create(
            CultureInfo.InvariantCulture,
            $"SELECT * FROM (SELECT * FROM instances WHERE status = {(int)status} AND {After} {filter.Kind} {Order})"));
        return ($"SELECT * FROM ({string.Join(" UNION ALL ", ranges)}) {Order}", range);
    }

    private static string Token(InstanceFilter filter, FoundInstance last) => filter.Prefix is { Length: > 0 }
        ? last.State.OrchestrationInstance.InstanceId
        : string.Create(CultureInfo.InvariantCulture, $"{last.State.CreatedTime.Ticks}:{last.Id}");

    private static (long Created, long Id) ReadToken(string? token)
    {
        if (token is null)
        {
            return (-1, -1);
        }

        var parts = token.Split(':');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var created)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? (created, id)
            : throw new ArgumentException($"'{token}' is no continuation token of the sqlite storage provider.", nameof(token));
    }

    private static string? Json(IReadOnlyCollection<OrchestrationStatus>? statuses)
        => statuses is null ? null : $"[{string.Join(',', statuses.Select(status => (int)status))}]";

    private static FoundInstance Map(SqliteRow row, bool withPayloads) => new(
        row.Long(0),
        new OrchestrationState
        {
            OrchestrationInstance = new OrchestrationInstance { InstanceId = row.String(1), ExecutionId = row.Text(2) },
            Name = row.String(3),
            Version = row.Text(4),
            OrchestrationStatus = (OrchestrationStatus)row.Int(5),
            CreatedTime = row.Time(6),
            LastUpdatedTime = row.Time(7),
            CompletedTime = row.IsNull(8) ? new DateTime(DateTime.MaxValue.Ticks, DateTimeKind.Utc) : row.Time(8),
            ScheduledStartTime = row.IsNull(9) ? null : row.Time(9),
            Status = row.Text(10),
            ParentInstance = HistoryText.ReadValue<ParentInstance>(row.Text(11)),
            Tags = HistoryText.ReadValue<Dictionary<string, string>>(row.Text(12)),
            Input = withPayloads ? row.Text(13) : null,
            Output = withPayloads ? row.Text(14) : null,
            FailureDetails = withPayloads ? HistoryText.ReadValue<FailureDetails>(row.Text(15)) : null,
        });
}

/// <summary>Which instances a query or a purge is about.</summary>
internal sealed record InstanceFilter
{
    public DateTime CreatedFrom { get; init; } = DateTime.MinValue;

    public DateTime CreatedTo { get; init; } = DateTime.MaxValue;

    /// <summary>Null for all.</summary>
    public IReadOnlyCollection<OrchestrationStatus>? Statuses { get; init; }

    public string? Prefix { get; init; }

    public bool WithPayloads { get; init; }

    public bool WithoutEntities { get; init; }

    public string Kind => WithoutEntities ? "AND instance_id NOT LIKE '@%'" : "";
}

internal readonly record struct FoundInstance(long Id, OrchestrationState State);

/// <summary>Some instances, and the token of the next page; null if this is the last.</summary>
internal sealed record InstancePage(IReadOnlyList<FoundInstance> Found, string? Next);
