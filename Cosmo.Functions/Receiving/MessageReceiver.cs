using System.Text;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;
using RabbitMQ.Client;

namespace Cosmo.Functions.Receiving;

/// <summary>
/// Takes one delivery in: a chat message becomes an answer, anything else a dead letter, and its sender is told. It throws only when
/// neither is possible; then the trigger's own retries and the queue's dead-letter exchange keep the delivery.
/// </summary>
internal sealed class MessageReceiver(
    ChatMessageReader reader,
    AnswerStarter answers,
    DeadLetters deadLetters,
    RabbitMQPublisher rabbitMQ,
    IUpdatePublisher updates,
    ILogger<MessageReceiver> logger)
{
    /// <summary>What a sender of something that is not JSON is answered (wire contract, section 1).</summary>
    private const string NotJsonAnswer = """{"success": false, "error": "The message format is invalid. Please check your request and try again."}""";

    public async Task ReceiveAsync(byte[] body, DeliveryProperties properties, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if (!reader.TryRead(body, out var message, out var rejection))
        {
            await RejectAsync(body, properties, rejection, Sentences.InvalidRequest, cancellationToken);
            return;
        }

        var refusal = await answers.StartAsync(message, body, properties, client, cancellationToken);
        if (refusal is not null)
        {
            await RejectAsync(body, properties, new Rejection(refusal.Cause, refusal.Details, message.Channel, message.MessageId), refusal.Sentence, cancellationToken);
        }
    }

    private async Task RejectAsync(byte[] body, DeliveryProperties properties, Rejection rejection, string sentence, CancellationToken cancellationToken)
    {
        logger.MessageRejected(rejection.MessageId ?? "(unknown)", rejection.Cause);
        await deadLetters.WriteAsync(
            new DeadLetter(body, properties, rejection.Cause, rejection.Reason, rejection.Channel, rejection.MessageId), cancellationToken);

        // From here on the message is safe; telling is best effort, so that it does not become a second dead letter.
        try
        {
            if (rejection.Cause is Rejection.NotJson or Rejection.InvalidEncoding && properties.ReplyTo is { } replyTo)
            {
                await rabbitMQ.PublishAsync(
                    "", replyTo, new BasicProperties { ContentType = "application/json", CorrelationId = properties.CorrelationId },
                    Encoding.UTF8.GetBytes(NotJsonAnswer), cancellationToken);
            }

            if (rejection.Channel is { } channel)
            {
                await updates.PublishRejectionAsync(channel, Updates.Error(rejection.MessageId, null, sentence, rejection.Reason), cancellationToken);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.SenderNotTold(e, rejection.MessageId ?? "(unknown)");
        }
    }
}
