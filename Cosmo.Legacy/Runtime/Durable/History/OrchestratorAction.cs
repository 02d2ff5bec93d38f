namespace Cosmo.Local.Runtime.Durable.History;

/// <summary>Something that an orchestrator did. In a replay it has to do the same, in the same order.</summary>
internal abstract record OrchestratorAction(int TaskId) : HistoryEvent
{
    /// <summary>Kind, name and number, as in <c>TaskScheduled GetOrCreateThread (#3)</c>.</summary>
    public string Describe() => this switch
    {
        TaskScheduled task => $"{nameof(TaskScheduled)} {task.Name} (#{TaskId})",
        SubOrchestrationCreated child => $"{nameof(SubOrchestrationCreated)} {child.Name} (#{TaskId})",
        EventSent sent => $"{nameof(EventSent)} {sent.Name} (#{TaskId})",
        _ => $"{GetType().Name} (#{TaskId})",
    };
}

internal sealed record TaskScheduled(int TaskId, string Name, string? Input) : OrchestratorAction(TaskId);

internal sealed record SubOrchestrationCreated(int TaskId, string Name, string InstanceId, string? Input) : OrchestratorAction(TaskId);

internal sealed record TimerCreated(int TaskId, DateTime FireAt) : OrchestratorAction(TaskId);

internal sealed record EventSent(int TaskId, string InstanceId, string Name, string? Payload) : OrchestratorAction(TaskId);
