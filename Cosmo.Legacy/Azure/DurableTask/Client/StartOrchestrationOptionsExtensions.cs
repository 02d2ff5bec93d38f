namespace Microsoft.DurableTask.Client;

/// <summary>Names statuses by their enum where <see cref="StartOrchestrationOptions"/> has strings.</summary>
public static class StartOrchestrationOptionsExtensions
{
    /// <summary>Refuses the start while an instance with the same id is in one of these statuses.</summary>
    public static StartOrchestrationOptions WithDedupeStatuses(
        this StartOrchestrationOptions options, params OrchestrationRuntimeStatus[] dedupeStatuses)
        => options with { DedupeStatuses = [.. dedupeStatuses.Select(status => status.ToString())] };
}
