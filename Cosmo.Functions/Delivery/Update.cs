using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Cosmo.Functions.Access;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Delivery;

/// <summary>What a client is told about a message (wire contract, section 2). <see cref="Updates"/> makes them.</summary>
/// <param name="Channel">What the client listens to, and so the group that gets it.</param>
/// <param name="Payload">What happened.</param>
internal sealed record Update(string Channel, UpdatePayload Payload)
{
    /// <summary>Until when somebody may listen in the channel's second group for what is new alone; after that it has to be looked. Null where nobody does.</summary>
    [JsonIgnore]
    public DateTimeOffset? DeltasUntil { get; init; }

    /// <summary>A text as it goes to that group: only what is new of it.</summary>
    /// <param name="begin">Where in the text that begins, in UTF-16 code units.</param>
    /// <param name="end">Where it ends.</param>
    public byte[] WriteDelta(int begin, int end)
    {
        var update = JsonSerializer.SerializeToNode(this with { Payload = Payload with { Message = "" } }, CosmoJson.Options)!;
        var payload = update["payload"]!.AsObject();
        payload.Remove("message");
        payload["offset"] = begin;
        payload["text"] = Payload.Message[begin..end];
        return Encoding.UTF8.GetBytes(update.ToJsonString(CosmoJson.Options));
    }
}

/// <param name="Message">Text to show; for <c>in_progress</c> and <c>completed</c> all the text of the answer so far.</param>
/// <param name="Status">started, processing, retrying, responding, in_progress, completed, error or cancelled.</param>
/// <param name="Type">status, tool, response, error or timeout.</param>
/// <param name="FinalMessage">Nothing follows for this message.</param>
/// <param name="MessageId">The message that it is about; null only for a rejected message without a usable id.</param>
/// <param name="ThreadId">The conversation at OpenAI; null until it is known.</param>
internal sealed record UpdatePayload(
    string Message,
    string Status,
    string Type,
    bool FinalMessage,
    string? MessageId,
    string? ThreadId)
{
    public const string TextStatus = "in_progress";

    /// <summary>How much of a text that grows can be told in pieces: half a surrogate pair waits for its other half, since alone it would be lost.</summary>
    public static int EndOf(string text) => text.Length > 0 && char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;

    /// <summary>When it was made, in Unix seconds with a fraction.</summary>
    public double Timestamp { get; init; }

    /// <summary>Text that grows.</summary>
    [JsonIgnore]
    public bool IsText => Status == TextStatus;

    /// <summary>The cause, on errors only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ErrorDetails { get; init; }

    /// <summary>Why the answer was cut, on the final update of one that was: <c>max_output_tokens</c> or <c>content_filter</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Incomplete { get; init; }

    /// <summary>The call that it is about, on updates of the type <c>tool</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ToolCallUpdate? Tool { get; init; }

    /// <summary>What was asked, on <c>started</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Question { get; init; }

    /// <summary>The message whose place it takes, on <c>started</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Replaces { get; init; }

    /// <summary>The message whose answer answers it too, on its final update.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AnsweredBy { get; init; }

    /// <summary>The profile that answers, where it is not the built-in one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Profile { get; init; }

    /// <summary>What the answer used, on its final update.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TokenUsage? Usage { get; init; }

    /// <summary>Grows by update within a channel. Left out only where Redis could not be asked for it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Sequence { get; init; }
}

/// <param name="CallId">The call; the update that says how it ended has the same.</param>
/// <param name="Name">The tool.</param>
/// <param name="State">awaiting_approval, running, done, failed or refused.</param>
/// <param name="Seconds">How long it took, once it has ended.</param>
internal sealed record ToolCallUpdate(
    string CallId, string Name, string State, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Seconds = null)
{
    public const string AwaitingApproval = "awaiting_approval";
    public const string Running = "running";
    public const string Failed = "failed";
    public const string Refused = "refused";

    /// <summary>When nobody can approve it any more; while approval is awaited.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What is to be approved; while approval is awaited.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Arguments { get; init; }
}
