using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>Removes instances that have ended, with all that belongs to them.</summary>
internal static class InstancePurge
{
    private const int MostAtOnce = 200;

    /// <returns>How many were removed.</returns>
    public static int One(SqliteSession session, string instanceId, bool recursive)
    {
        if (InstanceTable.Find(session, instanceId) is not { HasEnded: true } execution)
        {
            return 0;
        }

        var children = recursive
            ? session.Query("SELECT instance_id FROM instances WHERE parent_instance_id = $1", row => row.GetString(0), instanceId)
            : [];
        InstanceTable.Delete(session, execution.ExecutionId);
        return 1 + children.Sum(child => One(session, child, recursive));
    }

    /// <summary>Removes a number of instances that is not too much for one commit.</summary>
    /// <returns>How many, and whether no more are left.</returns>
    public static (int Purged, bool IsLast) Some(SqliteSession session, PurgeInstancesFilter filter, bool recursive)
    {
        var statuses = Execution.Ended.Intersect(filter.Statuses ?? Execution.Ended);
        var found = session.Query(
            $"SELECT instance_id FROM instances WHERE {InstanceQuery.Filter} LIMIT $4",
            row => row.GetString(0),
            filter.CreatedFrom?.UtcTicks,
            filter.CreatedTo?.UtcTicks,
            InstanceQuery.Json(statuses),
            MostAtOnce);
        return (found.Sum(instanceId => One(session, instanceId, recursive)), found.Count < MostAtOnce);
    }
}
