namespace Cosmo.Functions.Messaging;

/// <summary>A message that was not answered, as it goes to the failed queue.</summary>
/// <param name="Body">The original body, to the byte.</param>
/// <param name="Properties">The original properties.</param>
/// <param name="Cause">A stable word for machines.</param>
/// <param name="Reason">A sentence for people.</param>
/// <param name="Channel">The channel, where known.</param>
/// <param name="MessageId">The message id, where known.</param>
internal sealed record DeadLetter(byte[] Body, DeliveryProperties Properties, string Cause, string Reason, string? Channel, string? MessageId)
{
    /// <summary>Names the letter; made up if it is null. A letter that may be written twice has one of its own, so that its copies are known as such.</summary>
    public string? Id { get; init; }
}
