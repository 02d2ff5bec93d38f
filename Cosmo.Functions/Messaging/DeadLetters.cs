using System.Globalization;
using Cosmo.Functions.Hosting.Observability;
using Microsoft.Extensions.Options;

namespace Cosmo.Functions.Messaging;

/// <summary>Puts what failed on the dead-letter exchange, with headers that say why, when and at which attempt.</summary>
internal sealed class DeadLetters(RabbitMQPublisher rabbitMQ, IOptions<MessagingOptions> options, TimeProvider clock, ILogger<DeadLetters> logger)
{
    public const string IdHeader = "x-cosmo-id";
    public const string CauseHeader = "x-cosmo-cause";
    public const string ReasonHeader = "x-cosmo-reason";
    public const string FailedAtHeader = "x-cosmo-failed-at";
    public const string ChannelHeader = "x-cosmo-channel";
    public const string MessageIdHeader = "x-cosmo-message-id";

    private const int MaxHeaderLength = 1000;

    /// <summary>Returns when the broker has it. Throws when the broker is away.</summary>
    public async Task WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        var headers = new Dictionary<string, string>
        {
            [IdHeader] = letter.Id ?? Guid.NewGuid().ToString("N"),
            [CauseHeader] = letter.Cause,
            [ReasonHeader] = letter.Reason.Length > MaxHeaderLength ? letter.Reason[..MaxHeaderLength] : letter.Reason,
            [FailedAtHeader] = clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
            [DeliveryProperties.AttemptHeader] = letter.Properties.Attempt.ToString(CultureInfo.InvariantCulture),
        };
        if (letter.Channel is not null)
        {
            headers[ChannelHeader] = letter.Channel;
        }

        if (letter.MessageId is not null)
        {
            headers[MessageIdHeader] = letter.MessageId;
        }

        await rabbitMQ.PublishAsync(
            options.Value.DeadLetterExchange, options.Value.RoutingKey, letter.Properties.ToBasicProperties(headers), letter.Body, cancellationToken);
        Telemetry.DeadLetters.Add(1, new KeyValuePair<string, object?>("cause", letter.Cause));
        logger.DeadLetterWritten(letter.MessageId ?? "(unknown)", letter.Cause);
    }
}

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
