namespace Microsoft.DurableTask;

/// <summary>How a new instance is started.</summary>
public record StartOrchestrationOptions
{
    public StartOrchestrationOptions(string? InstanceId = null, DateTimeOffset? StartAt = null)
    {
        this.InstanceId = InstanceId;
        this.StartAt = StartAt;
    }

    public StartOrchestrationOptions(StartOrchestrationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        InstanceId = options.InstanceId;
        StartAt = options.StartAt;
        DedupeStatuses = options.DedupeStatuses;
    }

    /// <summary>At most 100 characters, none of <c>/ \ # ?</c> and no control character; a random one if null.</summary>
    public string? InstanceId { get; init; }

    /// <summary>Not before this time; at once if null.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>
    /// The statuses (names of <c>OrchestrationRuntimeStatus</c>) of an existing instance with the same id that refuse the start,
    /// beside those of an instance that has not ended.
    /// </summary>
    public IReadOnlyList<string>? DedupeStatuses { get; init; }
}
