using System.Diagnostics;
using System.Text;
using Cosmo.Local.Host.Functions;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Cosmo.Local.Host.Queues;

/// <summary>
/// One subscription to a queue. Each message is acknowledged after its function returned; one whose function
/// threw goes to the queue's tail four times and is then rejected.
/// </summary>
internal sealed class QueueConsumer(
    QueueFunction function, IChannel channel, IFunctionInvoker invoker, ShutdownGrace grace, SemaphoreSlim oneAtATime, ILogger logger) : AsyncDefaultBasicConsumer(channel)
{
    /// <summary>The official extension's source of spans.</summary>
    public const string ActivitySourceName = "Microsoft.Azure.WebJobs.Extensions.RabbitMQ";

    private const string SpanName = "Trigger";
    private const string RequeueCountHeader = "x-ms-rabbitmq-requeuecount";
    private const int Tries = 5;
    private static readonly ActivitySource Spans = new(ActivitySourceName);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _finishing;

    /// <summary>Consumes from the function's queue.</summary>
    /// <returns>The consumer's tag.</returns>
    public Task<string> StartAsync(CancellationToken cancellationToken)
    {
        // The event comes at once; HandleChannelShutdownAsync would wait behind the message at work.
        Channel.ChannelShutdownAsync += (_, _) =>
        {
            _ended.TrySetResult();
            return Task.CompletedTask;
        };
        return Channel.BasicConsumeAsync(function.Queue, autoAck: false, this, cancellationToken);
    }

    /// <summary>Completes when no more messages will come: the channel has closed or the broker has cancelled the consumer.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The broker has ended the subscription, as when its queue is deleted.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>Takes no further message and waits for the one at work. The broker gives the rest to the next consumer.</summary>
    public async Task FinishAsync()
    {
        _finishing = true;
        await oneAtATime.WaitAsync();
        oneAtATime.Release();
    }

    public override async Task HandleBasicDeliverAsync(
        string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey,
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
    {
        await oneAtATime.WaitAsync(CancellationToken.None);
        try
        {
            if (!_finishing && Channel.IsOpen)
            {
                await HandleAsync(new BasicDeliverEventArgs(consumerTag, deliveryTag, redelivered, exchange, routingKey, properties, body, cancellationToken));
            }
        }
        catch (Exception error)
        {
            // The broker has not heard how the message ended: it delivers it again once this subscription is over.
            Log.AnswerLost(logger, function.Function.Name, error.GetType().Name);
            _ended.TrySetResult();
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    protected override Task OnCancelAsync(string[] consumerTags, CancellationToken cancellationToken = default)
    {
        IsCancelled = true;
        _ended.TrySetResult();
        return base.OnCancelAsync(consumerTags, cancellationToken);
    }

    private async Task HandleAsync(BasicDeliverEventArgs delivery)
    {
        var succeeded = await RunAsync(delivery);
        using var limit = new CancellationTokenSource(AnswerTimeout);
        if (succeeded)
        {
            await Channel.BasicAckAsync(delivery.DeliveryTag, multiple: false, limit.Token);
        }
        else if (RequeueCount(delivery.BasicProperties) + 1 is var count && count >= Tries)
        {
            Log.MessageRejected(logger, function.Function.Name, Tries);
            await Channel.BasicRejectAsync(delivery.DeliveryTag, requeue: false, limit.Token);
        }
        else
        {
            Log.MessageRepublished(logger, function.Function.Name, count);
            var properties = new BasicProperties(delivery.BasicProperties);
            properties.Headers = new Dictionary<string, object?>(properties.Headers ?? new Dictionary<string, object?>()) { [RequeueCountHeader] = count };
            await Channel.BasicPublishAsync("", function.Queue, mandatory: false, properties, delivery.Body, limit.Token);
            await Channel.BasicAckAsync(delivery.DeliveryTag, multiple: false, limit.Token);
        }
    }

    private async Task<bool> RunAsync(BasicDeliverEventArgs delivery)
    {
        using var span = StartSpan(delivery.BasicProperties);
        try
        {
            await invoker.InvokeAsync(function.Function, new TriggerInput(function.Value(delivery.Body), MessageBindingData.Of(delivery)), grace.Ended);
            return true;
        }
        catch (Exception error) when (!grace.HasEnded)
        {
            Log.MessageFailed(logger, function.Function.Name, error.GetType().Name);
            span?.SetStatus(ActivityStatusCode.Error, error.GetType().Name);
            return false;
        }
    }

    /// <summary>The producer's trace goes on even where nobody listens to the source.</summary>
    private static Activity? StartSpan(IReadOnlyBasicProperties properties)
    {
        var parent = TraceParent(properties);
        return Spans.StartActivity(SpanName, ActivityKind.Consumer, parent) ?? (parent is null ? null : new Activity(SpanName).SetParentId(parent).Start());
    }

    private static int RequeueCount(IReadOnlyBasicProperties properties) =>
        properties.Headers?.TryGetValue(RequeueCountHeader, out var value) != true ? 0 : value switch
        {
            int count => count,
            long count => (int)Math.Clamp(count, 0, Tries),
            short count => count,
            byte count => count,
            _ => 0,
        };

    private static string? TraceParent(IReadOnlyBasicProperties properties) =>
        properties.Headers?.TryGetValue("traceparent", out var value) == true && value is byte[] bytes
            && Encoding.UTF8.GetString(bytes) is var text && ActivityContext.TryParse(text, null, out _) ? text : null;
}
