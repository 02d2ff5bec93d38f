using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.Entities;

namespace Cosmo.Local.Durable;

/// <summary>
/// Entities as clients see them. An entity is an instance whose id begins with <c>@</c>; its state is the input of its execution, and whether it
/// exists, who has locked it and what waits for it is its custom status.
/// </summary>
internal sealed class SqliteEntityQueries(SqliteOrchestrationService service) : EntityBackendQueries
{
    public override async Task<EntityMetadata?> GetEntityAsync(EntityId id, bool includeState = false, bool includeStateless = false, CancellationToken cancellation = default)
        => await service.GetOrchestrationStateAsync(id.ToString(), null) is { } state ? Describe(state, includeStateless, includeState) : null;

    public override Task<EntityQueryResult> QueryEntitiesAsync(EntityQuery query, CancellationToken cancellation)
    {
        var filter = new InstanceFilter
        {
            Prefix = string.IsNullOrEmpty(query.InstanceIdStartsWith) ? "@" : query.InstanceIdStartsWith,
            WithPayloads = query.IncludeState,
        };
        var (states, next) = service.ReadPage(filter, query.PageSize ?? 100, query.ContinuationToken);
        var found = states
            .Where(state => state.LastUpdatedTime >= (query.LastModifiedFrom ?? DateTime.MinValue) && state.LastUpdatedTime <= (query.LastModifiedTo ?? DateTime.MaxValue))
            .Select(state => Describe(state, query.IncludeTransient, query.IncludeState))
            .OfType<EntityMetadata>()
            .ToList();
        return Task.FromResult(new EntityQueryResult { Results = found, ContinuationToken = next });
    }

    /// <summary>Removes entities without a state, and gives back locks whose holder runs no more; a page at a time.</summary>
    public override async Task<CleanEntityStorageResult> CleanEntityStorageAsync(CleanEntityStorageRequest request = default, CancellationToken cancellation = default)
    {
        var (states, next) = service.ReadPage(new InstanceFilter { Prefix = "@" }, 100, request.ContinuationToken);
        var (removed, released) = (0, 0);
        foreach (var state in states)
        {
            cancellation.ThrowIfCancellationRequested();
            if (ClientEntityHelpers.GetEntityStatus(state.Status) is not { } status)
            {
                continue;
            }

            if (request.RemoveEmptyEntities && status is { EntityExists: false, LockedBy: null, BacklogQueueSize: 0 })
            {
                removed += (await service.PurgeInstanceStateAsync(state.OrchestrationInstance.InstanceId)).DeletedInstanceCount;
            }
            else if (request.ReleaseOrphanedLocks && status.LockedBy is { } holder && !await IsRunningAsync(holder))
            {
                var target = new OrchestrationInstance { InstanceId = state.OrchestrationInstance.InstanceId };
                await service.SendTaskOrchestrationMessageAsync(ClientEntityHelpers.EmitUnlockForOrphanedLock(target, holder).AsTaskMessage());
                released++;
            }
        }

        return new CleanEntityStorageResult { EmptyEntitiesRemoved = removed, OrphanedLocksReleased = released, ContinuationToken = next };
    }

    private static EntityMetadata? Describe(OrchestrationState state, bool withTransient, bool withState)
    {
        var status = ClientEntityHelpers.GetEntityStatus(state.Status);
        if (!withTransient && status is not { EntityExists: true })
        {
            return null;
        }

        return new EntityMetadata
        {
            EntityId = EntityId.FromString(state.OrchestrationInstance.InstanceId),
            LastModifiedTime = state.LastUpdatedTime,
            BacklogQueueSize = status?.BacklogQueueSize ?? 0,
            LockedBy = status?.LockedBy,
            SerializedState = withState ? ClientEntityHelpers.GetEntityState(state.Input) : null,
        };
    }

    private async Task<bool> IsRunningAsync(string instanceId)
        => await service.GetOrchestrationStateAsync(instanceId, null) is { } state && !Instances.Ended.Contains(state.OrchestrationStatus);
}
