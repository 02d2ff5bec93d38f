using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Cosmo.Local.Durable;

/// <summary>What the official extension asks a storage provider for beyond the work itself.</summary>
internal sealed class SqliteDurabilityProvider(SqliteOrchestrationService service, SqliteDurabilityOptions options)
    : DurabilityProvider(SqliteDurabilityProviderFactory.ProviderName, service, service, SqliteDurabilityProviderFactory.ProviderName)
{
    public override bool SupportsEntities => true;

    /// <summary>Who waits for an instance is told when it ends.</summary>
    public override bool SupportsPollFreeWait => true;

    public override bool GuaranteesOrderedDelivery => true;

    public override bool SupportsImplicitEntityDeletion => true;

    /// <summary>As with Azure Storage: raising an event to an instance that does not run is an error for who raises it.</summary>
    public override bool CheckStatusBeforeRaiseEvent => true;

    public override JObject ConfigurationJson => new()
    {
        ["type"] = SqliteDurabilityProviderFactory.ProviderName,
        ["database"] = options.DatabasePath,
        ["synchronous"] = options.Synchronous.ToString().ToUpperInvariant(),
    };

    /// <summary>A timer may be as long as it likes: it is a row.</summary>
    public override TimeSpan MaximumDelayTime { get; set; } = TimeSpan.MaxValue;

    public override TimeSpan LongRunningTimerIntervalLength { get; set; } = TimeSpan.MaxValue;

    public override string EventSourceName { get; set; } = "Cosmo-Durable";

    public override async Task<IList<OrchestrationState>> GetOrchestrationStateWithInputsAsync(string instanceId, bool showInput = true)
    {
        var states = await service.GetOrchestrationStateAsync(instanceId, false);
        return showInput ? states : [.. states.Select(state => state.ClearFieldsImmutably(clearInput: true, clearOutput: false))];
    }

    public override Task<IList<OrchestrationState>> GetAllOrchestrationStates(CancellationToken cancellationToken)
    {
        var all = new List<OrchestrationState>();
        string? token = null;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (states, next) = service.ReadPage(new InstanceFilter { WithPayloads = true }, int.MaxValue, token);
            all.AddRange(states);
            token = next;
        }
        while (token is not null);

        return Task.FromResult<IList<OrchestrationState>>(all);
    }

    public override Task<OrchestrationStatusQueryResult> GetOrchestrationStateWithPagination(OrchestrationStatusQueryCondition condition, CancellationToken cancellationToken)
    {
        var filter = new InstanceFilter
        {
            CreatedFrom = condition.CreatedTimeFrom,
            CreatedTo = condition.CreatedTimeTo == default ? DateTime.MaxValue : condition.CreatedTimeTo,
            Statuses = condition.RuntimeStatus?.Select(status => (OrchestrationStatus)status).ToList() is { Count: > 0 } statuses ? statuses : null,
            Prefix = condition.InstanceIdPrefix,
            WithPayloads = true,
        };
        var (states, next) = service.ReadPage(filter, condition.PageSize, condition.ContinuationToken);
        return Task.FromResult(new OrchestrationStatusQueryResult
        {
            DurableOrchestrationState = states.Select(state => Describe(state, condition.ShowInput)).ToList(),
            ContinuationToken = next,
        });
    }

    public override Task<IAsyncEnumerable<HistoryEvent>> StreamOrchestrationHistoryAsync(string instanceId, CancellationToken cancellationToken)
        => Task.FromResult(service.StreamHistoryAsync(instanceId, cancellationToken));

    public override async Task<PurgeHistoryResult> PurgeInstanceHistoryByInstanceId(string instanceId)
        => new((await service.PurgeInstanceStateAsync(instanceId)).DeletedInstanceCount);

    public override async Task<int> PurgeHistoryByFilters(DateTime createdTimeFrom, DateTime? createdTimeTo, IEnumerable<OrchestrationStatus> runtimeStatus)
        => (await service.PurgeInstanceStateAsync(new PurgeInstanceFilter(createdTimeFrom, createdTimeTo, runtimeStatus))).DeletedInstanceCount;

    public override Task RewindAsync(string instanceId, string reason) => service.RewindAsync(instanceId, reason);

    public override async Task<string?> RetrieveSerializedEntityState(Microsoft.Azure.WebJobs.Extensions.DurableTask.EntityId entityId, JsonSerializerSettings serializierSettings)
        => (await service.EntityBackendQueries.GetEntityAsync(
            new DurableTask.Core.Entities.EntityId(entityId.EntityName, entityId.EntityKey), includeState: true))?.SerializedState;

    /// <summary>Entities have their own queue whatever the worker's protocol.</summary>
    public override void SetUseSeparateQueueForEntityWorkItems(bool newValue)
    {
    }

    private static DurableOrchestrationStatus Describe(OrchestrationState state, bool withInput) => new()
    {
        Name = state.Name,
        Version = string.IsNullOrEmpty(state.Version) ? null : state.Version,
        InstanceId = state.OrchestrationInstance.InstanceId,
        ParentInstanceId = state.ParentInstance?.OrchestrationInstance?.InstanceId,
        CreatedTime = state.CreatedTime,
        LastUpdatedTime = state.LastUpdatedTime,
        RuntimeStatus = (OrchestrationRuntimeStatus)state.OrchestrationStatus,
        CustomStatus = ToJson(state.Status),
        Input = ToJson(withInput ? state.Input : null),
        Output = ToJson(state.Output),
    };

    // A payload is JSON, but the text of a failure or a reason to terminate is not.
    private static JToken ToJson(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return JValue.CreateNull();
        }

        try
        {
            using var reader = new JsonTextReader(new StringReader(text)) { DateParseHandling = DateParseHandling.None };
            return JToken.ReadFrom(reader);
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
