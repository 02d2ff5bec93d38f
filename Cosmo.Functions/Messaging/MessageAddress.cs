namespace Cosmo.Functions.Messaging;

/// <summary>Which message of which channel something is about.</summary>
/// <param name="Channel">What the client listens to.</param>
/// <param name="MessageId">The message's id, unique within the channel.</param>
/// <param name="Attempt">1 for the first delivery, one more for each replay of its dead letter.</param>
internal sealed record MessageAddress(string Channel, string MessageId, int Attempt);
