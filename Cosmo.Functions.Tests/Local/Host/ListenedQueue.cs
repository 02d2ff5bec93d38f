using System.Text;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>
/// Exchanges and queues of the test's own on a real broker, declared by the app's own topology: the dead-letter exchange keeps a message's routing key.
/// </summary>
internal sealed class ListenedQueue : IAsyncDisposable
{
    public const string RoutingKey = "test_key";

    private IConnection _connection;
    private IChannel _channel;

    private ListenedQueue(string url, IConnection connection, IChannel channel)
    {
        Url = url;
        _connection = connection;
        _channel = channel;
    }

    /// <summary>The shared broker (<c>RABBITMQ_URL</c>).</summary>
    public static string BrokerUrl => SharedServers.RabbitMQUrl;

    public string Url { get; }

    public string Exchange { get; } = $"test-{Guid.NewGuid():n}";

    public string Name => Exchange + "_queue";

    private string DeadLetterExchange => Exchange + "_dlx";

    private string FailedQueue => Name + "_failed";

    public static async Task<ListenedQueue> CreateAsync(string? url = null, bool declare = true)
    {
        url ??= BrokerUrl;
        var (connection, channel) = await ConnectAsync(url);
        var queue = new ListenedQueue(url, connection, channel);
        if (declare)
        {
            await queue.DeclareAsync();
        }

        return queue;
    }

    public async Task DeclareAsync()
    {
        var options = Options.Create(new MessagingOptions { RabbitMQUrl = Url, Exchange = Exchange, Queue = Name, RoutingKey = RoutingKey });
        await using var rabbitMQ = new RabbitMQPublisher(options, TimeProvider.System);
        using var topology = new Topology(rabbitMQ, options, TimeProvider.System, NullLogger<Topology>.Instance);
        await topology.DeclareAsync(CancellationToken.None);
    }

    public Task PublishAsync(string body) => PublishAsync(Encoding.UTF8.GetBytes(body), new BasicProperties { Persistent = true });

    /// <summary>Publishes and waits until the broker has the message.</summary>
    public async Task PublishAsync(ReadOnlyMemory<byte> body, BasicProperties properties) =>
        await _channel.BasicPublishAsync(Exchange, RoutingKey, mandatory: true, properties, body);

    /// <summary>How many messages lie in the queue and are not out for delivery.</summary>
    public Task<uint> CountAsync() => _channel.MessageCountAsync(Name);

    /// <summary>Waits until every message is out for delivery.</summary>
    public async Task DeliveredAsync(CancellationToken cancellationToken)
    {
        while (await CountAsync() > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public Task DeleteAsync() => _channel.QueueDeleteAsync(Name);

    /// <summary>Waits for the next dead letter.</summary>
    public async Task<BasicGetResult> NextDeadLetterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await _channel.BasicGetAsync(FailedQueue, autoAck: true, cancellationToken) is { } letter)
            {
                return letter;
            }
        }
    }

    /// <summary>Connects anew after the broker was away.</summary>
    public async Task ReconnectAsync() => (_connection, _channel) = await ConnectAsync(Url);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _channel.QueueDeleteAsync(Name);
            await _channel.QueueDeleteAsync(FailedQueue);
            await _channel.ExchangeDeleteAsync(Exchange);
            await _channel.ExchangeDeleteAsync(DeadLetterExchange);
            await _connection.CloseAsync();
        }
        catch (RabbitMQClientException)
        {
        }
    }

    private static async Task<(IConnection Connection, IChannel Channel)> ConnectAsync(string url)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(url), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        return (connection, await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true)));
    }
}
