namespace Microsoft.DurableTask.Client;

/// <summary>Which of the instances that have ended are purged; what is null does not restrict.</summary>
public record PurgeInstancesFilter(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IEnumerable<OrchestrationRuntimeStatus>? Statuses = null);
