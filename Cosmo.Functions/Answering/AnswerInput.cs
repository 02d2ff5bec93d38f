using System.Text.Json.Serialization;
using Cosmo.Functions.Answering.Deadlines;
using Cosmo.Functions.Answering.Merging;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Answering;

/// <summary>Everything that the orchestration of one message needs.</summary>
/// <param name="Address">Channel, message id and attempt.</param>
/// <param name="Question">What the user asks.</param>
/// <param name="Caller">Who asks.</param>
/// <param name="Body">Null: <see cref="MessageMemory"/> keeps the original body, which may be too long for a history. Earlier versions had it here.</param>
/// <param name="Properties">The original properties, for the dead letter.</param>
/// <param name="RunId">Made anew whenever a delivery is scheduled: of two orchestrations for one message, one wins.</param>
/// <param name="HasTurn">The channel was idle when the message was taken in: it need not wait, and its client has been told that processing began.</param>
/// <param name="ReceivedAt">When the message was taken in.</param>
/// <param name="Deadlines">How long the answer may take.</param>
/// <param name="MaxToolRounds">How often in a row the model may ask for tools.</param>
/// <param name="ApprovalTime">How long a person may take to approve a call of a tool; null from an earlier version.</param>
internal sealed record AnswerInput(
    MessageAddress Address,
    string Question,
    Caller Caller,
    byte[]? Body,
    DeliveryProperties Properties,
    string RunId,
    bool HasTurn,
    DateTimeOffset ReceivedAt,
    AnswerDeadlines Deadlines,
    int MaxToolRounds,
    TimeSpan? ApprovalTime = null)
{
    /// <summary>The message whose place it takes in the conversation; null for one that takes none's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Replaces { get; init; }

    /// <summary>What waits behind it is asked together with it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Merges { get; init; }

    /// <summary>What became of the orchestration before, which failed as a whole; null for a message that is asked. With it, the message has its end, and nothing else.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AbandonedAnswer? Abandoned { get; init; }
}

/// <summary>An orchestration that ended without an end for its message.</summary>
/// <param name="Reason">How it ended, for operators.</param>
/// <param name="Status">How far it had come; null if it had done nothing but wait for its turn.</param>
/// <param name="Merged">What it had been told to have been merged; null if nothing.</param>
/// <param name="End">The status with which the message had ended all the same, empty if that is not known any more; null if it had not ended.</param>
internal sealed record AbandonedAnswer(string Reason, AnswerStatus? Status, IReadOnlyList<MergedMessage>? Merged = null, string? End = null);
