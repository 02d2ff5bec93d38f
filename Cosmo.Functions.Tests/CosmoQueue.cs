using System.Text;
using System.Text.Json;
using Cosmo.Functions.Messaging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests;

/// <summary>Names of its own on the real RabbitMQ that the tests share, and a producer that is not ours to the app; removed at the end.</summary>
internal sealed class CosmoQueue : IAsyncDisposable
{
    private readonly IConnection _connection;

    private CosmoQueue(IConnection connection, IChannel channel) => (_connection, Channel) = (connection, channel);

    public static string Url => SharedServers.RabbitMQUrl;

    public IChannel Channel { get; }

    public string Exchange { get; private init; } = $"test-{Guid.NewGuid():n}";

    public string Queue => Exchange + "_queue";

    public string FailedQueue => Queue + "_failed";

    public static string RoutingKey => "test_key";

    /// <summary>The app's options for these names.</summary>
    /// <param name="url">Another broker than the shared one.</param>
    public IOptions<MessagingOptions> OptionsAt(string? url = null) =>
        Options.Create(new MessagingOptions { RabbitMQUrl = url ?? Url, Exchange = Exchange, Queue = Queue, RoutingKey = RoutingKey });

    /// <param name="url">Another broker than the shared one.</param>
    /// <param name="exchange">Names that are there already.</param>
    public static async Task<CosmoQueue> ConnectAsync(string? url = null, string? exchange = null)
    {
        var connection = await new ConnectionFactory { Uri = new Uri(url ?? Url) }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        return exchange is null ? new CosmoQueue(connection, channel) : new CosmoQueue(connection, channel) { Exchange = exchange };
    }

    public Task SendAsync(string channel, string messageId, string message) =>
        SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { channel, message_id = messageId, message }));

    public async Task SendAsync(ReadOnlyMemory<byte> body, BasicProperties? properties = null) =>
        await Channel.BasicPublishAsync(Exchange, RoutingKey, mandatory: true, properties ?? new BasicProperties(), body);

    /// <summary>The headers that are texts.</summary>
    public static Dictionary<string, string> HeadersOf(IReadOnlyBasicProperties properties) => (properties.Headers ?? new Dictionary<string, object?>())
        .Where(header => header.Value is byte[])
        .ToDictionary(header => header.Key, header => Encoding.UTF8.GetString((byte[])header.Value!));

    /// <summary>Waits for the next dead letter, for a minute at most.</summary>
    public async Task<(IReadOnlyDictionary<string, string> Headers, byte[] Body, IReadOnlyBasicProperties Properties)> NextDeadLetterAsync()
    {
        BasicGetResult? letter = null;
        await Eventually.IsSoAsync(
            async () => (letter = await Channel.BasicGetAsync(FailedQueue, autoAck: true)) is not null, () => $"No dead letter came into {FailedQueue}.", CancellationToken.None);
        return (HeadersOf(letter!.BasicProperties), letter.Body.ToArray(), letter.BasicProperties);
    }

    public async Task PurgeDeadLettersAsync() => await Channel.QueuePurgeAsync(FailedQueue);

    public async Task<uint> CountDeadLettersAsync() => (await Channel.QueueDeclarePassiveAsync(FailedQueue)).MessageCount;

    public async ValueTask DisposeAsync()
    {
        if (Channel.IsOpen)
        {
            await Channel.QueueDeleteAsync(Queue);
            await Channel.QueueDeleteAsync(FailedQueue);
            await Channel.ExchangeDeleteAsync(Exchange);
            await Channel.ExchangeDeleteAsync(Exchange + "_dlx");
        }

        await _connection.DisposeAsync();
    }
}
