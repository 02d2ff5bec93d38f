using Cosmo.Local.Runtime.Durable.History;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>What one step made of an execution, to be written in one transaction.</summary>
internal sealed record StepResult(Execution Execution, DateTime Now)
{
    /// <summary>The messages that the step read.</summary>
    public IReadOnlyList<InboxMessage> Read { get; init; } = [];

    public required OrchestrationRuntimeStatus Status { get; init; }

    public string? CustomStatus { get; init; }

    /// <summary>The events to append to the history.</summary>
    public IReadOnlyList<HistoryEvent> Events { get; init; } = [];

    public IReadOnlyCollection<int> CancelledTimers { get; init; } = [];

    /// <summary>Set if the execution ended with this step.</summary>
    public ExecutionCompleted? End { get; init; }

    /// <summary>Set if the execution is followed by another.</summary>
    public Continuation? Continuation { get; init; }
}

/// <summary>The next execution of an instance that continues as new: its input, and the events that nobody has waited for yet.</summary>
internal sealed record Continuation(string? Input, IReadOnlyList<EventRaised> Events);
