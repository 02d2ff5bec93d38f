using System.Text.Json.Serialization;
using Cosmo.Functions.Answering.Approvals;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Answering.Activities;

// What the orchestration gives to its activities, and what they answer.

internal sealed record TurnInput(MessageAddress Address, string InstanceId, string RunId);

/// <param name="Failure">Why there will be no turn; null while there may be one.</param>
internal sealed record TurnResult(bool HasTurn, Failure? Failure);

/// <param name="RunId">What the orchestration claims its message with.</param>
/// <param name="HasStarted">The client knows already that processing began.</param>
/// <param name="ThreadId">Null in the first round, which finds it or makes it.</param>
/// <param name="Question">The user's message; null when tool outputs are given.</param>
/// <param name="FirstEventBy">Until this moment the orchestration waits to hear of the model's first event.</param>
/// <param name="StopAt">The activity stops by itself at this moment, should nobody tell it to.</param>
/// <param name="RetryUntil">After this moment the model's service is not asked again; null from an older version: until the end.</param>
internal sealed record RunInput(
    MessageAddress Address,
    string InstanceId,
    string RunId,
    bool HasStarted,
    string? ThreadId,
    string? Question,
    IReadOnlyList<ToolOutput> ToolOutputs,
    Caller Caller,
    int Round,
    DateTimeOffset FirstEventBy,
    DateTimeOffset StopAt,
    DateTimeOffset ReceivedAt,
    DateTimeOffset? RetryUntil = null)
{
    /// <summary>The message whose place it takes in the thread; null for none.</summary>
    public string? Replaces { get; init; }

    /// <summary>What waits behind it is asked together with it.</summary>
    public bool Merges { get; init; }

    /// <summary>What was asked together with it in the first round; null there, and where nothing is merged.</summary>
    public IReadOnlyList<MergedMessage>? Merged { get; init; }
}

/// <param name="ToolCalls">What the model asks for; none when the answer is whole, and told.</param>
/// <param name="ThreadId">The thread that the model was asked in, also where it failed or was stopped; null where it was not asked.</param>
internal sealed record RunResult(IReadOnlyList<ToolCall> ToolCalls, Failure? Failure, string? ThreadId = null)
{
    /// <summary>What is asked together with it; null where that is not known, and where nothing is merged.</summary>
    public IReadOnlyList<MergedMessage>? Merged { get; init; }

    /// <summary>When the first text of the response came, for its timeline; null where none did, and from an older version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? FirstTextAt { get; init; }

    /// <summary>How many updates with its text were recorded; null where none was begun, and from an older version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TextUpdates { get; init; }
}

/// <param name="IsApproved">A person has said yes to this very call.</param>
internal sealed record ToolInput(
    MessageAddress Address, string InstanceId, string ThreadId, ToolCall Call, Caller Caller, DateTimeOffset StopAt, bool IsApproved = false);

/// <param name="ExpiresAt">When it counts as a no.</param>
/// <param name="Decision">What the orchestration has heard of; null if nothing.</param>
internal sealed record ApprovalInput(
    MessageAddress Address, string InstanceId, string ThreadId, ToolCall Call, DateTimeOffset ExpiresAt, ApprovalDecision? Decision = null);

internal sealed record StopInput(string Channel, string InstanceId);

/// <param name="HasBegun">The model was asked, or was about to be; else the message had no turn.</param>
/// <param name="ThreadId">Null if it is not known here.</param>
/// <param name="Question">What the user asked; null from an older version.</param>
/// <param name="Round">The round that was under way.</param>
internal sealed record FailInput(
    MessageAddress Address, string InstanceId, bool HasBegun, string? ThreadId, Failure Failure, DateTimeOffset ReceivedAt, string? Question = null, int Round = 0)
{
    /// <summary>Others may have been asked together with it.</summary>
    public bool MayHaveMerged { get; init; }

    /// <summary>Those; null where that is not known.</summary>
    public IReadOnlyList<MergedMessage>? Merged { get; init; }
}

/// <param name="Address">The message that others were merged into.</param>
/// <param name="Failure">What they ended with, if they were not answered.</param>
/// <param name="Merged">The others; null where that is not known.</param>
internal sealed record EndMergedInput(MessageAddress Address, string? ThreadId, Failure Failure, IReadOnlyList<MergedMessage>? Merged)
{
    /// <summary>The answer that was given is none to these: Redis had lost that they were merged when it began anew.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsWithoutThem { get; init; }
}

/// <param name="IsKept">It was not answered, and is to be a dead letter.</param>
internal sealed record EndedMerged(MergedMessage Message, bool IsKept);

/// <param name="ReplyTo">The queue.</param>
/// <param name="CorrelationId">What the producer knows its message by.</param>
internal sealed record ReplyInput(MessageAddress Address, string ReplyTo, string? CorrelationId);

/// <param name="Body">Null: <see cref="MessageMemory"/> keeps it.</param>
/// <param name="Question">What the user asks: should the body be lost, all that is known of it.</param>
/// <param name="Caller">Who asks.</param>
internal sealed record DeadLetterInput(
    MessageAddress Address, byte[]? Body, DeliveryProperties Properties, Failure Failure, string? Question = null, Caller? Caller = null)
{
    /// <summary>The message whose place it was to take; null for none.</summary>
    public string? Replaces { get; init; }
}
