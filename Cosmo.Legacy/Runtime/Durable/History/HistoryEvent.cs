using System.Text.Json.Serialization;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.History;

/// <summary>Something that happened to an orchestration. The list of them is the orchestration's state.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(OrchestratorStarted), nameof(OrchestratorStarted))]
[JsonDerivedType(typeof(ExecutionStarted), nameof(ExecutionStarted))]
[JsonDerivedType(typeof(ExecutionCompleted), nameof(ExecutionCompleted))]
[JsonDerivedType(typeof(ExecutionTerminated), nameof(ExecutionTerminated))]
[JsonDerivedType(typeof(ExecutionSuspended), nameof(ExecutionSuspended))]
[JsonDerivedType(typeof(ExecutionResumed), nameof(ExecutionResumed))]
[JsonDerivedType(typeof(TaskScheduled), nameof(TaskScheduled))]
[JsonDerivedType(typeof(SubOrchestrationCreated), nameof(SubOrchestrationCreated))]
[JsonDerivedType(typeof(TimerCreated), nameof(TimerCreated))]
[JsonDerivedType(typeof(EventSent), nameof(EventSent))]
[JsonDerivedType(typeof(TaskCompleted), nameof(TaskCompleted))]
[JsonDerivedType(typeof(TaskFailed), nameof(TaskFailed))]
[JsonDerivedType(typeof(TimerFired), nameof(TimerFired))]
[JsonDerivedType(typeof(EventRaised), nameof(EventRaised))]
internal abstract record HistoryEvent;

/// <summary>A step began, at a time that the orchestrator sees as the current one.</summary>
internal sealed record OrchestratorStarted(DateTime Timestamp) : HistoryEvent;

internal sealed record ExecutionStarted(string Name) : HistoryEvent;

internal sealed record ExecutionCompleted(
    OrchestrationRuntimeStatus Status, string? Output, TaskFailureDetails? Failure = null, bool IsNonRetriable = false) : HistoryEvent;

/// <summary>From outside: end the orchestration. Its sub-orchestrations end with it if <paramref name="Recursive"/>.</summary>
internal sealed record ExecutionTerminated(string? Output, bool Recursive) : HistoryEvent;

/// <summary>From outside: leave everything but a resumption and a termination in the inbox.</summary>
internal sealed record ExecutionSuspended(string? Reason) : HistoryEvent;

internal sealed record ExecutionResumed(string? Reason) : HistoryEvent;

/// <summary>The end of an activity or a sub-orchestration.</summary>
internal sealed record TaskCompleted(int TaskId, string? Result) : HistoryEvent;

/// <inheritdoc cref="TaskCompleted"/>
internal sealed record TaskFailed(int TaskId, TaskFailureDetails Failure, bool IsNonRetriable = false) : HistoryEvent;

internal sealed record TimerFired(int TaskId) : HistoryEvent;

internal sealed record EventRaised(string Name, string? Payload) : HistoryEvent;
