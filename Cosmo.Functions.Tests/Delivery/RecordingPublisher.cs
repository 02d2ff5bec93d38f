using System.Threading.Channels;
using Cosmo.Functions.Delivery;
using Cosmo.Functions.Messaging;

namespace Cosmo.Functions.Tests.Delivery;

/// <summary>Takes updates in place of Web PubSub; a test can hold a send back, or put up the fence.</summary>
internal sealed class RecordingPublisher : IUpdatePublisher
{
    private readonly Channel<UpdatePayload> _published = Channel.CreateUnbounded<UpdatePayload>();

    /// <summary>What a send waits for, or fails with; complete by default.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public bool IsFenced { get; set; }

    public ChannelReader<UpdatePayload> Published => _published.Reader;

    /// <summary>The messages whose final update went by their fence, so that nothing comes behind it.</summary>
    public List<MessageAddress> Ended { get; } = [];

    public async Task<bool> PublishAsync(MessageAddress address, UpdatePayload payload, string? once, CancellationToken cancellationToken)
    {
        if (IsFenced)
        {
            return false;
        }

        if (payload.FinalMessage)
        {
            Ended.Add(address);
        }

        var gate = Gate;
        _published.Writer.TryWrite(payload);
        await gate.WaitAsync(cancellationToken);
        return true;
    }

    public async Task<ToldText?> PublishTextAsync(MessageAddress address, UpdatePayload payload, ToldText told, UpdatePayload? status, CancellationToken cancellationToken)
    {
        if (status is not null && !IsFenced)
        {
            _published.Writer.TryWrite(status);
        }

        return await PublishAsync(address, payload, once: null, cancellationToken) ? new ToldText(told.Sequence + 1, payload.Message.Length) : null;
    }

    public Task PublishRejectionAsync(string channel, UpdatePayload payload, CancellationToken cancellationToken)
    {
        _published.Writer.TryWrite(payload);
        return Task.CompletedTask;
    }

    public Task<bool> IsOverAsync(MessageAddress address, CancellationToken cancellationToken) => Task.FromResult(IsFenced);

    public Task<string?> FindEndAsync(MessageAddress address, CancellationToken cancellationToken) => Task.FromResult(IsFenced ? "" : null);

    public void SendSoon(MessageAddress address, Update update) => _published.Writer.TryWrite(update.Payload);

    public Task<string?> FindTextAsync(MessageAddress address, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
}
