using Cosmo.Functions.Hosting;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Functions.Messaging;

/// <summary>
/// Publishes to the broker and returns when the broker has confirmed it. One connection, made at the first call and anew after
/// a failure. Throws within <see cref="TimeLimit"/> when the broker is away, refuses the message or has no queue for it.
/// </summary>
internal sealed class RabbitMQPublisher(IOptions<MessagingOptions> options, TimeProvider clock) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly CreateChannelOptions Confirming = new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);

    private readonly SemaphoreSlim _gate = new(1, 1);
    private IConnection? _connection;
    private IChannel? _channel;

    public Task PublishAsync(string exchange, string routingKey, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        RunAsync(
            (channel, token) => channel.BasicPublishAsync(exchange, routingKey, mandatory: true, properties, body, token).AsTask(),
            cancellationToken);

    /// <summary>Runs a command on the channel, such as a declaration. One command at a time.</summary>
    public async Task RunAsync(Func<IChannel, CancellationToken, Task> command, CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(Patience, clock, cancellationToken);
        await _gate.WaitAsync(limit.Token);
        try
        {
            await command(await OpenAsync(limit.Token), limit.Token);
        }
        catch (PublishException)
        {
            // One message was refused or has no queue; the channel works on.
            throw;
        }
        catch (Exception e)
        {
            await CloseAsync();
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"RabbitMQ did not answer within {Patience.TotalSeconds} s.", e);
            }

            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _gate.Dispose();
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (_channel is { IsOpen: true } open)
        {
            return open;
        }

        await CloseAsync();
        var factory = new ConnectionFactory
        {
            Uri = new Uri(options.Value.RabbitMQUrl),
            ClientProvidedName = "cosmo publisher",
            AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = Patience,
            ContinuationTimeout = Patience,
        };
        _connection = await factory.CreateConnectionAsync(cancellationToken);
        return _channel = await _connection.CreateChannelAsync(Confirming, cancellationToken);
    }

    private async Task CloseAsync()
    {
        var (channel, connection) = (_channel, _connection);
        (_channel, _connection) = (null, null);
        try
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }

            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
        catch (Exception e) when (e is IOException or RabbitMQClientException or OperationCanceledException or TimeoutException)
        {
            // It was broken already; that is why it is closed.
        }
    }
}
