using System.Text.Json;
using System.Text.Json.Serialization;

namespace Cosmo.Functions.Tests.Proof;

/// <summary>
/// Something that was seen from outside: by producers, by front ends, by who makes the faults, and at the end at the services. A history is a list of them. Nothing in it comes from the app's own
/// account of itself but what it tells its users and operators.
/// </summary>
/// <param name="At">When, in microseconds of the Unix epoch by the clock of the one process that writes histories.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(Publishing), "publishing")]
[JsonDerivedType(typeof(Accepted), "accepted")]
[JsonDerivedType(typeof(Cancelling), "cancelling")]
[JsonDerivedType(typeof(Cancelled), "cancelled")]
[JsonDerivedType(typeof(Joined), "joined")]
[JsonDerivedType(typeof(Left), "left")]
[JsonDerivedType(typeof(Told), "told")]
[JsonDerivedType(typeof(Letter), "letter")]
[JsonDerivedType(typeof(FaultBegan), "fault")]
[JsonDerivedType(typeof(FaultEnded), "fault-ended")]
[JsonDerivedType(typeof(Conversation), "conversation")]
[JsonDerivedType(typeof(Counted), "counted")]
internal abstract record HistoryEvent(long At)
{
    public static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };
}

/// <summary>A producer begins to publish a message.</summary>
/// <param name="Question">Its text, which no other message has.</param>
internal sealed record Publishing(long At, string Channel, string MessageId, string Question) : HistoryEvent(At);

/// <summary>The broker, or the app over HTTP, has said that it has the message: from now on it must not be lost. A message that was published and not accepted may be there or not.</summary>
internal sealed record Accepted(long At, string Channel, string MessageId) : HistoryEvent(At);

/// <summary>A user asks for a message to be cancelled.</summary>
internal sealed record Cancelling(long At, string Channel, string MessageId) : HistoryEvent(At);

/// <param name="Status">The HTTP status of the answer to <see cref="Cancelling"/>: 202 while it is being cancelled, 409 for what is over.</param>
internal sealed record Cancelled(long At, string Channel, string MessageId, int Status) : HistoryEvent(At);

/// <summary>A client listens from now on. What it has missed it has asked for.</summary>
/// <param name="Client">Its name.</param>
internal sealed record Joined(long At, string Client, string Channel) : HistoryEvent(At);

/// <summary>A client has gone, or its connection has broken.</summary>
internal sealed record Left(long At, string Client, string Channel) : HistoryEvent(At);

/// <summary>A client got an update.</summary>
/// <param name="Group">The channel that the client listens to.</param>
/// <param name="Channel">The channel that the update says it is of.</param>
/// <param name="Sequence">Null only where the app could not ask Redis.</param>
/// <param name="Text">Of a final update.</param>
/// <param name="Length">Of a text: its characters.</param>
/// <param name="Hash">Of a text: <see cref="TextHash"/> of it.</param>
/// <param name="IsCaughtUp">It was asked for, and did not come by itself.</param>
internal sealed record Told(
    long At, string Client, string Group, string Channel, string? MessageId, long? Sequence, string Status, string Type, bool IsFinal, string? Text, int Length, ulong Hash, string? ThreadId,
    string? CallId, string? CallState, bool IsCaughtUp) : HistoryEvent(At)
{
    /// <summary>The usage that a final update tells; null where it tells none.</summary>
    public long? OutputTokens { get; init; }
}

/// <summary>A dead letter.</summary>
internal sealed record Letter(long At, string MessageId, string Cause) : HistoryEvent(At);

/// <summary>A fault begins.</summary>
/// <param name="Number">Counts the faults of a run.</param>
/// <param name="Fault">Its name.</param>
/// <param name="Loses">What the service that it is done to may lose by it, which no system behind could keep: <see cref="Loss"/>.</param>
internal sealed record FaultBegan(long At, int Number, string Fault, Loss Loses) : HistoryEvent(At);

/// <summary>A fault has ended.</summary>
/// <param name="Hits">How often it has hit: processes that ended, connections that broke, requests that failed. A fault without a hit proves nothing.</param>
internal sealed record FaultEnded(long At, int Number, int Hits) : HistoryEvent(At);

/// <summary>What a conversation at the model's service holds at the end.</summary>
/// <param name="Channel">Whose thread it is.</param>
internal sealed record Conversation(long At, string Channel, string ThreadId, IReadOnlyList<ConversationItem> Items) : HistoryEvent(At);

/// <param name="Kind">user, assistant, call or output.</param>
/// <param name="Text">Of a message.</param>
/// <param name="CallId">Of a call or its output.</param>
internal sealed record ConversationItem(string Kind, string? Text, string? CallId);

/// <summary>The usage that the app tells its operators of a channel, at the end.</summary>
internal sealed record Counted(long At, string Channel, long Messages, long OutputTokens) : HistoryEvent(At);

/// <summary>What a fault takes from a service for good.</summary>
internal enum Loss
{
    None,

    /// <summary>Redis lost data that it had confirmed: all of it, or the last of it.</summary>
    Redis,

    /// <summary>Redis answers nobody, or refuses to write; it loses nothing.</summary>
    RedisAway,

    /// <summary>A process stood still, or the way to Web PubSub did: what was about to be sent, or was on its way and then given up, arrives late.</summary>
    Paused,

    /// <summary>The broker lost messages that it had confirmed.</summary>
    Broker,
}

/// <summary>Hashes of a text's beginnings, each from the one before (FNV-1a over UTF-16 code units, 64 bits).</summary>
internal static class TextHash
{
    private const ulong Basis = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    public static ulong Of(string text) => text.Aggregate(Basis, Add);

    /// <summary>The hash of each beginning, by its length.</summary>
    public static ulong[] OfBeginnings(string text)
    {
        var hashes = new ulong[text.Length + 1];
        hashes[0] = Basis;
        for (var i = 0; i < text.Length; i++)
        {
            hashes[i + 1] = Add(hashes[i], text[i]);
        }

        return hashes;
    }

    private static ulong Add(ulong hash, char character) => (hash ^ character) * Prime;
}
