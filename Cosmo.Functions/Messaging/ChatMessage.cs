using System.Text.Json.Serialization;

namespace Cosmo.Functions.Messaging;

/// <summary>A chat message (wire contract, section 1).</summary>
/// <param name="Channel">What the client listens to: a UUID, a document id, any unique string.</param>
/// <param name="MessageId">Unique per message; comes back on every update.</param>
/// <param name="Message">What the user asks.</param>
/// <param name="Caller">Who asks, if the producer said so in <c>user</c>.</param>
internal sealed record ChatMessage(string Channel, string MessageId, string Message, Caller Caller)
{
    /// <summary>Which profile is to answer; null where it names none, and empty where what it says is no text.</summary>
    public string? Profile { get; init; }

    /// <summary>The id of the earlier message whose place it takes; null for one that takes none's.</summary>
    public string? Replaces { get; init; }
}

/// <summary>Which message of which channel something is about.</summary>
/// <param name="Channel">What the client listens to.</param>
/// <param name="MessageId">The message's id, unique within the channel.</param>
/// <param name="Attempt">1 for the first delivery, one more for each replay of its dead letter.</param>
internal sealed record MessageAddress(string Channel, string MessageId, int Attempt)
{
    /// <summary>The profile that answers it; null for the built-in one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Profile { get; init; }
}

/// <summary>Who asks: as a producer said in the message, or as the signed token of a browser's connection says.</summary>
/// <param name="Id">The user's id, or null for a stranger.</param>
/// <param name="Roles">The user's roles; empty for a stranger.</param>
internal sealed record Caller(string? Id, IReadOnlyList<string> Roles)
{
    public static Caller Anonymous { get; } = new(null, []);

    /// <summary>A producer of the old kind, which names no user: it has asked its users itself.</summary>
    public static Caller TrustedProducer { get; } = new(null, []) { IsTrustedProducer = true };

    public bool IsTrustedProducer { get; init; }

    /// <summary>Who says who the user is, as a producer names it or a connection was negotiated; null where a producer does not say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Issuer { get; init; }

    /// <summary>Whence a stranger's connection comes, as a digest; null for anyone else, and where nothing is limited.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Source { get; init; }

    [JsonIgnore]
    public bool IsSignedIn => !string.IsNullOrWhiteSpace(Id);
}
