using System.Diagnostics;
using Cosmo.Functions.Assistants;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>Passes on what happens while a response is made: its id to memory, its signs of life to the orchestration, its text to the client.</summary>
/// <param name="receivedAt">When the message came, if nothing of its answer was said before.</param>
internal sealed class ResponseObserver(
    MessageAddress address,
    string threadId,
    int round,
    DateTimeOffset? receivedAt,
    IUpdatePublisher updates,
    MessageMemory memory,
    AnswerStream answer,
    Heartbeat heartbeat,
    TimeProvider clock,
    ILogger logger,
    CancellationToken cancellationToken) : IAssistantObserver
{
    private bool _hasText;

    public Task ResponseCreatedAsync(string responseId) => memory.RememberResponseAsync(address, round, responseId, cancellationToken);

    public void EventReceived() => heartbeat.Beat();

    public void TextReceived(string delta)
    {
        if (!_hasText)
        {
            _hasText = true;
            if (receivedAt is { } received)
            {
                var seconds = (clock.GetUtcNow() - received).TotalSeconds;
                Activity.Current?.SetTag("cosmo.time_to_first_text", seconds);
                Telemetry.FirstText.Record(seconds);
            }
        }

        answer.Append(delta);
    }

    public Task RetryingAsync() => updates.TellRetryingAsync(address, threadId, round, logger, cancellationToken);

    /// <summary>Where nobody knows it may have.</summary>
    public async Task<bool> HasBegunAsync(string callId)
    {
        try
        {
            return await memory.IsClaimedAsync(address.Channel, callId, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisFailed(e, address.MessageId);
            return true;
        }
    }
}

internal static class Retrying
{
    /// <summary>Tells the client, once a round, that the model's service failed and is asked again. Nothing depends on it.</summary>
    public static async Task TellRetryingAsync(
        this IUpdatePublisher updates, MessageAddress address, string? threadId, int round, ILogger logger, CancellationToken cancellationToken)
    {
        try
        {
            await updates.PublishAsync(address, Updates.Retrying(address, threadId), $"retrying:{round}", cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.RedisFailed(e, address.MessageId);
        }
    }
}
