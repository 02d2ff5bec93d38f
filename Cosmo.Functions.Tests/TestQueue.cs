using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Tests;

/// <summary>A durable queue of the test's own on a real broker, whose dead letters go to a second one.</summary>
internal sealed class TestQueue : IAsyncDisposable
{
    private readonly string _url;
    private IConnection _connection;
    private IChannel _channel;

    private TestQueue(string url, IConnection connection, IChannel channel)
    {
        _url = url;
        _connection = connection;
        _channel = channel;
    }

    /// <summary>The shared broker that the tests share.</summary>
    public static string BrokerUrl => SharedServers.RabbitMQUrl;

    public string Name { get; } = $"test-{Guid.NewGuid():n}";

    public string DeadLetters => Name + "-dead";

    public static async Task<TestQueue> CreateAsync(string? url = null, bool declare = true)
    {
        url ??= BrokerUrl;
        var (connection, channel) = await ConnectAsync(url);
        var queue = new TestQueue(url, connection, channel);
        if (declare)
        {
            await queue.DeclareAsync();
        }

        return queue;
    }

    public async Task DeclareAsync()
    {
        await _channel.QueueDeclareAsync(DeadLetters, durable: true, exclusive: false, autoDelete: false);
        await _channel.QueueDeclareAsync(Name, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?>
        {
            ["x-dead-letter-exchange"] = "",
            ["x-dead-letter-routing-key"] = DeadLetters,
        });
    }

    public Task PublishAsync(string body) => PublishAsync(body, new BasicProperties { Persistent = true });

    /// <summary>Publishes and waits until the broker has the message.</summary>
    public async Task PublishAsync(string body, BasicProperties properties) =>
        await _channel.BasicPublishAsync("", Name, mandatory: true, properties, Encoding.UTF8.GetBytes(body));

    /// <summary>How many messages lie in the queue and are not out for delivery.</summary>
    public Task<uint> CountAsync() => _channel.MessageCountAsync(Name);

    public Task DeleteAsync() => _channel.QueueDeleteAsync(Name);

    /// <summary>Waits for the next dead letter.</summary>
    public async Task<BasicGetResult> NextDeadLetterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await _channel.BasicGetAsync(DeadLetters, autoAck: true, cancellationToken) is { } letter)
            {
                return letter;
            }

            await Task.Delay(20, cancellationToken);
        }
    }

    /// <summary>Connects anew after the broker was away.</summary>
    public async Task ReconnectAsync() => (_connection, _channel) = await ConnectAsync(_url);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _channel.QueueDeleteAsync(Name);
            await _channel.QueueDeleteAsync(DeadLetters);
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
