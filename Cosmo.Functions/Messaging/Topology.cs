using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Messaging;

/// <summary>
/// Declares the exchanges, queues and bindings of the wire contract, section 1. Start-up waits for the first try, since the
/// trigger expects its queue; while the broker is away it goes on trying.
/// </summary>
internal sealed class Topology(RabbitMQPublisher rabbitMQ, IOptions<MessagingOptions> options, TimeProvider clock, ILogger<Topology> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private bool _declared;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryDeclareAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_declared)
        {
            await Task.Delay(Interval, clock, stoppingToken);
            await TryDeclareAsync(stoppingToken);
        }
    }

    /// <summary>Declares everything. Idempotent.</summary>
    /// <exception cref="OperationInterruptedException">An object exists with other arguments.</exception>
    internal async Task DeclareAsync(CancellationToken cancellationToken)
    {
        var names = options.Value;
        await rabbitMQ.RunAsync(
            async (channel, token) =>
            {
                await channel.ExchangeDeclareAsync(names.DeadLetterExchange, ExchangeType.Direct, durable: true, cancellationToken: token);
                await channel.QueueDeclareAsync(names.FailedQueue, durable: true, exclusive: false, autoDelete: false, cancellationToken: token);
                await channel.QueueBindAsync(names.FailedQueue, names.DeadLetterExchange, names.RoutingKey, cancellationToken: token);

                // Dead-lettering keeps the routing key, and what came through the default exchange has the queue's name as its key.
                await channel.QueueBindAsync(names.FailedQueue, names.DeadLetterExchange, names.Queue, cancellationToken: token);
                await channel.ExchangeDeclareAsync(names.Exchange, ExchangeType.Direct, durable: true, cancellationToken: token);
                await channel.QueueDeclareAsync(names.Queue, durable: true, exclusive: false, autoDelete: false, Arguments(names), cancellationToken: token);
                await channel.QueueBindAsync(names.Queue, names.Exchange, names.RoutingKey, cancellationToken: token);
            },
            cancellationToken);
    }

    /// <summary>How many consume from the trigger's queue; 0, too, where there is no such queue. Throws when the broker does not answer.</summary>
    public async Task<uint> CountConsumersAsync(CancellationToken cancellationToken)
    {
        var consumers = 0u;
        try
        {
            await rabbitMQ.RunAsync(
                async (channel, token) => consumers = (await channel.QueueDeclarePassiveAsync(options.Value.Queue, token)).ConsumerCount, cancellationToken);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
        }

        return consumers;
    }

    private static Dictionary<string, object?> Arguments(MessagingOptions names) => new()
    {
        ["x-max-priority"] = 10,
        ["x-message-ttl"] = 3_600_000,
        ["x-dead-letter-exchange"] = names.DeadLetterExchange,
    };

    private async Task TryDeclareAsync(CancellationToken cancellationToken)
    {
        try
        {
            await DeclareAsync(cancellationToken);
            _declared = true;
            logger.TopologyDeclared(options.Value.Exchange, options.Value.Queue);
        }
        catch (OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == Constants.PreconditionFailed)
        {
            // What exists is used as it is; declaring it again will not change it.
            _declared = true;
            logger.TopologyDiffers(e.ShutdownReason.ReplyText);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.TopologyNotDeclared(e.Message);
        }
    }
}
