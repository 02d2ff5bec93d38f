using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Hosting.Observability;
using Cosmo.Functions.Messaging;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Cosmo.Functions.Receiving;

/// <summary>
/// Takes one delivery in: a chat message becomes an answer, anything else a dead letter, and its sender is told. While Redis or the Durable store is away
/// it holds the delivery back, unacknowledged, for a while. It throws only when the broker takes no dead letter either; then the trigger's own retries and
/// the queue's dead-letter exchange keep the delivery.
/// </summary>
internal sealed class MessageReceiver(
    ChatMessageReader reader,
    AnswerStarter answers,
    DeadLetters deadLetters,
    RabbitMQPublisher rabbitMQ,
    IOptions<MessagingOptions> queue,
    IUpdatePublisher updates,
    IOptions<AnsweringOptions> options,
    TimeProvider clock,
    ILogger<MessageReceiver> logger)
{
    /// <summary>What a sender of something that is not JSON is answered (wire contract, section 1).</summary>
    private const string NotJsonAnswer = """{"success": false, "error": "The message format is invalid. Please check your request and try again."}""";

    private const string IdTakenAnswer = """{"success": false, "error": "The message id is taken by another message. Please send this one with an id of its own."}""";

    /// <summary>No delivery is held back for longer: the function has a time limit of its own.</summary>
    private static readonly TimeSpan LongestHold = TimeSpan.FromSeconds(120);

    /// <summary>How long one is held back where an earlier one has waited already: an end of the outage must not go unnoticed.</summary>
    private static readonly TimeSpan ShortHold = TimeSpan.FromSeconds(5);

    /// <summary>How long the broker is waited for to take a dead letter.</summary>
    private static readonly TimeSpan KeepPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>Since when what is needed to take a message in has been away. One outage is waited out once, not once for each message behind it.</summary>
    private DateTimeOffset? _awaySince;

    public async Task ReceiveAsync(byte[] body, DeliveryProperties properties, DurableTaskClient client, CancellationToken cancellationToken)
    {
        TagList tags =
        [
            new("messaging.system", "rabbitmq"), new("messaging.operation.name", "process"), new("messaging.operation.type", "process"),
            new("messaging.destination.name", queue.Value.Queue),
        ];
        using var span = Telemetry.Source.StartActivity(ActivityKind.Consumer, tags: tags, name: $"process {queue.Value.Queue}", links: properties.FindProducer());
        span?.SetTag("messaging.rabbitmq.destination.routing_key", queue.Value.RoutingKey)
            .SetTag("messaging.message.id", properties.MessageId).SetTag("messaging.message.conversation_id", properties.CorrelationId)
            .SetTag("messaging.message.body.size", body.Length);
        var begun = clock.GetTimestamp();
        try
        {
            if (await TakeInAsync(body, properties, client, cancellationToken) is { } refusal)
            {
                tags.Add("error.type", refusal.Rejection.Cause);
                span.Fail(refusal.Rejection.Cause);
                await RefuseAsync(body, properties, refusal.Rejection, refusal.Sentence, cancellationToken);
            }
        }
        finally
        {
            Telemetry.ProcessDuration.Record(clock.GetElapsedTime(begun).TotalSeconds, tags);
        }
    }

    private async Task RefuseAsync(byte[] body, DeliveryProperties properties, Rejection rejection, string sentence, CancellationToken cancellationToken)
    {
        logger.MessageRejected(rejection.MessageId ?? "(unknown)", rejection.Cause);
        await KeepAsync(
            new DeadLetter(body, properties, rejection.Cause, rejection.Reason, rejection.Channel, rejection.MessageId) { Id = Guid.NewGuid().ToString("N") }, cancellationToken);

        // From here on the message is safe; telling is best effort, so that it does not become a second dead letter.
        try
        {
            await TellAsync(rejection, sentence, properties, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.SenderNotTold(e, rejection.MessageId ?? "(unknown)");
        }
    }

    /// <summary>Null, or why there will be no answer, and what its user is told.</summary>
    private async Task<(Rejection Rejection, string Sentence)?> TakeInAsync(
        byte[] body, DeliveryProperties properties, DurableTaskClient client, CancellationToken cancellationToken)
    {
        ChatMessage? message = null;
        try
        {
            if (!reader.TryRead(body, out message, out var rejection))
            {
                return (rejection, Sentences.InvalidRequest);
            }

            message = properties.IsOfProducer ? message : message with { Caller = message.Caller with { IsTrustedProducer = false } };
            var begun = clock.GetUtcNow();
            var refusal = await answers.StartAsync(message, body, properties, client, PatienceAt(begun), cancellationToken);
            _awaySince = refusal is { IsOutage: true } ? _awaySince ?? begun : null;
            return refusal is null ? null : (new Rejection(refusal.Cause, refusal.Details, message.Channel, message.MessageId), refusal.Sentence);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // A fault of ours: to be thrown at the same message four times more would help nobody.
            var (channel, messageId) = message is null ? ChatMessageReader.FindAddress(body) : (message.Channel, message.MessageId);
            logger.NotTakenIn(e, messageId ?? "(unknown)");
            return (new Rejection(Failure.UnexpectedCause, "The message could not be taken in", channel, messageId), Sentences.Other);
        }
    }

    private TimeSpan PatienceAt(DateTimeOffset now)
    {
        var whole = Shorter(options.Value.RedisPatience, LongestHold);
        return _awaySince is { } since && since + whole - now is var left && left < whole ? Shorter(whole, left > ShortHold ? left : ShortHold) : whole;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private async Task KeepAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(FirstWait, LongestWait, clock) { Until = Backoff.After(KeepPatience, clock) };
        while (true)
        {
            try
            {
                await deadLetters.WriteAsync(letter, cancellationToken);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.NotKeptYet(e, letter.MessageId ?? "(unknown)");
                if (!await backoff.WaitAsync(null, cancellationToken))
                {
                    throw;
                }
            }
        }
    }

    private async Task TellAsync(Rejection rejection, string sentence, DeliveryProperties properties, CancellationToken cancellationToken)
    {
        var answer = rejection.Cause switch
        {
            Rejection.NotJson or Rejection.InvalidEncoding => NotJsonAnswer,
            Failure.MessageIdTakenCause => IdTakenAnswer,
            _ => null,
        };
        if (answer is not null && properties.ReplyTo is { } replyTo)
        {
            await ReplyAsync(replyTo, answer, properties, rejection, cancellationToken);
        }

        // Of two messages with one id the channel hears of the first alone: an error here would end that one for its clients.
        if (rejection.Channel is not { } channel || rejection.Cause == Failure.MessageIdTakenCause)
        {
            return;
        }

        var update = Updates.Rejected(rejection.MessageId, sentence, rejection.Reason) with { Timestamp = clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0 };
        if (properties.FinalReplyTo is { } queue && rejection.Cause is not (Rejection.NotJson or Rejection.InvalidEncoding))
        {
            await ReplyAsync(queue, JsonSerializer.Serialize(new Update(channel, update), CosmoJson.Options), properties, rejection, cancellationToken);
        }

        if (rejection is { Cause: Failure.DurableStoreCause, MessageId: { } messageId })
        {
            // The store may have done what it did not confirm. Behind this update, nothing that it began is said or done.
            await updates.PublishAsync(new MessageAddress(channel, messageId, properties.Attempt), update, once: null, cancellationToken);
        }
        else
        {
            await updates.PublishRejectionAsync(channel, update, cancellationToken);
        }
    }

    private async Task ReplyAsync(string replyTo, string answer, DeliveryProperties properties, Rejection rejection, CancellationToken cancellationToken)
    {
        try
        {
            await rabbitMQ.PublishAsync(
                "", replyTo, new BasicProperties { ContentType = "application/json", CorrelationId = properties.CorrelationId },
                Encoding.UTF8.GetBytes(answer), cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.SenderNotTold(e, rejection.MessageId ?? "(unknown)");
        }
    }
}
