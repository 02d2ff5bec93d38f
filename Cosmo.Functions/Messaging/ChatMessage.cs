namespace Cosmo.Functions.Messaging;

/// <summary>A chat message (wire contract, section 1).</summary>
/// <param name="Channel">What the client listens to: a UUID, a document id, any unique string.</param>
/// <param name="MessageId">Unique per message; comes back on every update.</param>
/// <param name="Message">What the user asks.</param>
/// <param name="Caller">Who asks, if the producer said so in <c>user</c>.</param>
internal sealed record ChatMessage(string Channel, string MessageId, string Message, Caller Caller);
