using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Delivery;

/// <summary>Brings updates to the clients of a channel, in order, and never after a message's final update.</summary>
internal interface IUpdatePublisher
{
    /// <summary>
    /// Records and sends an update. False when the message has had its final update, or <paramref name="once"/> was said before.
    /// A send that fails is not an error: what was recorded can be asked for.
    /// </summary>
    /// <param name="once">When set, an update with this key goes out once for the message, however often its activity runs.</param>
    /// <exception cref="StackExchange.Redis.RedisException">Redis was not there, and the update is not a final one.</exception>
    Task<bool> PublishAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken);

    /// <summary>
    /// Records and sends a text that grows. Who listens for what is new alone gets it from where the text before ended, if that reached them and nobody else has said a text of this
    /// message since; else from its beginning.
    /// </summary>
    /// <param name="address">The message.</param>
    /// <param name="payload">All the text so far; it begins with what was told before.</param>
    /// <param name="told">What an earlier call answered for this text; of a text that is new, the default.</param>
    /// <param name="status">A status that is said once for the message, right before the text, and recorded with it; null for none.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    /// <returns>What is told now, for the next call; null when the message has had its final update.</returns>
    /// <inheritdoc cref="PublishAsync" path="/exception" />
    Task<ToldText?> PublishTextAsync(MessageAddress address, UpdatePayload payload, ToldText told, UpdatePayload? status, CancellationToken cancellationToken);

    /// <summary>Tells a channel that a message was refused before it was taken in.</summary>
    Task PublishRejectionAsync(string channel, UpdatePayload payload, CancellationToken cancellationToken);

    /// <summary>Whether the message has had its final update: then nothing of it is left to do.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">Redis was not there.</exception>
    /// <exception cref="TimeoutException">Redis did not answer.</exception>
    Task<bool> IsOverAsync(MessageAddress address, CancellationToken cancellationToken);

    /// <summary>
    /// The status with which the message ended, <c>completed</c> for instance; null while it has not, empty when that is not known any more. A final update
    /// that was recorded and may not have left is sent.
    /// </summary>
    /// <inheritdoc cref="IsOverAsync" path="/exception" />
    Task<string?> FindEndAsync(MessageAddress address, CancellationToken cancellationToken);

    /// <summary>
    /// Sends what is recorded already, without being waited for. What this process says of the message later waits for it; what another one says is told
    /// apart by its sequence.
    /// </summary>
    void SendSoon(MessageAddress address, Update update);

    /// <summary>The newest text of a message that is not over, or null.</summary>
    Task<string?> FindTextAsync(MessageAddress address, CancellationToken cancellationToken);
}

/// <summary>How much of a text has reached those who listen for what is new alone.</summary>
/// <param name="Sequence">The update of that text which was recorded last; 0 for none.</param>
/// <param name="Length">Where what reached them ends, in UTF-16 code units.</param>
internal readonly record struct ToldText(long Sequence, int Length);
