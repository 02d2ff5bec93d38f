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
