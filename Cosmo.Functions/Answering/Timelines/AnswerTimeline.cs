using System.Text.Json.Serialization;

namespace Cosmo.Functions.Answering.Timelines;

/// <summary>One answer, told: what is recorded of it in the Durable store, and in the log of updates for as long as that is kept. What is null is not known, or has not happened.</summary>
/// <param name="Status">The orchestration's status: pending, running, completed, failed, terminated or suspended.</param>
/// <param name="Outcome">completed, failed or duplicate, once it has ended.</param>
/// <param name="Cause">Why it failed, as on its dead letter.</param>
/// <param name="Reason">The same for people, as far as it is recorded.</param>
/// <param name="ReceivedAt">When the message was taken in.</param>
/// <param name="TurnAt">When the model was asked first: everything before it in its channel was over.</param>
/// <param name="FirstTextAt">When the model's first text came.</param>
/// <param name="ToldAt">When the client was told the end: when the final update was recorded, else when the step was over that told it.</param>
/// <param name="Steps">In the order in which they began.</param>
/// <param name="Updates">What the client was told, as the log has it; null when it keeps nothing of the message any more. Of a text it has the newest state alone.</param>
internal sealed record AnswerTimeline(
    string Channel,
    string MessageId,
    int Attempt,
    string InstanceId,
    string Status,
    string? Outcome,
    string? Cause,
    string? Reason,
    string? ThreadId,
    DateTimeOffset? ReceivedAt,
    DateTimeOffset? TurnAt,
    DateTimeOffset? FirstTextAt,
    DateTimeOffset? ToldAt,
    IReadOnlyList<TimelineStep> Steps,
    IReadOnlyList<ToldUpdate>? Updates);

/// <summary>A step of an answer.</summary>
/// <param name="Kind">One of the constants.</param>
/// <param name="BeganAt">When the orchestration asked for it.</param>
internal sealed record TimelineStep(string Kind, DateTimeOffset BeganAt)
{
    /// <summary>The wait for all that came before in the channel.</summary>
    public const string Turn = "turn";

    /// <summary>A response of the model.</summary>
    public const string Round = "round";

    /// <summary>The wait for a person's yes or no to a call.</summary>
    public const string Approval = "approval";

    /// <summary>A call of a tool.</summary>
    public const string Tool = "tool";

    /// <summary>Somebody asked for the end. No time passes.</summary>
    public const string Cancel = "cancel";

    /// <summary>A deadline passed. No time passes.</summary>
    public const string Deadline = "deadline";

    /// <summary>The work that was under way is told to stop.</summary>
    public const string Stop = "stop";

    /// <summary>The end of an answer that failed: its client is told, its thread repaired, the turn given on.</summary>
    public const string Fail = "fail";

    /// <summary>The end of messages that were asked together with it.</summary>
    public const string Merged = "merged";

    /// <summary>The message is kept as a dead letter.</summary>
    public const string DeadLetter = "dead_letter";

    /// <summary>The final update goes to the producer's queue.</summary>
    public const string Reply = "reply";

    /// <summary>Null while it runs, or where its end is not recorded.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How long it took; of a tool as it measured that itself, where the log of updates still has it.</summary>
    public double? Seconds { get; init; }

    /// <summary>running, done or failed; of a tool refused too, and <c>ended</c> where it is not known how; of an approval approved, refused or expired.</summary>
    public string State { get; init; } = "running";

    /// <summary>Why it failed, or what came of it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    /// <summary>How often it was begun; 1 where it did not fail before.</summary>
    public int Tries { get; init; } = 1;

    /// <summary>Of a round, and of what it asked for: 0 for the question, then one more for each round of tool outputs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Number { get; init; }

    /// <summary>The tool, of a call and its approval.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    /// <summary>The call, of a tool and its approval.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? CallId { get; init; }

    /// <summary>Of a round: when its first text came.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? FirstTextAt { get; init; }

    /// <summary>Of a round: how many updates with its text were recorded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? TextUpdates { get; init; }

    /// <summary>The same, over.</summary>
    public TimelineStep End(DateTimeOffset at, string state, string? detail = null) =>
        this with { EndedAt = at, Seconds = Math.Round((at - BeganAt).TotalSeconds, 3), State = state, Detail = detail };
}

/// <summary>An update without its text.</summary>
/// <param name="At">When it was recorded.</param>
/// <param name="Tool">The tool and its state, of updates about one.</param>
internal sealed record ToldUpdate(
    DateTimeOffset At,
    long? Sequence,
    string Status,
    string Type,
    bool FinalMessage,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Tool);
