using System.Collections.Concurrent;
using Cosmo.Functions.Hosting;

namespace Cosmo.Functions.Conversations;

/// <summary>
/// Stops the activities of an orchestration wherever they run, by Redis publish: losing a <c>WhenAny</c> does not stop an activity.
/// A signal that is lost costs time only, since the activity keeps its own deadline and the fence keeps what it says from the client.
/// </summary>
internal sealed class StopSignals(RedisConnection redis) : IDisposable
{
    private const string ChannelName = "stop";

    private readonly ConcurrentDictionary<Registration, string> _running = new();
    private readonly SemaphoreSlim _subscribing = new(1, 1);
    private bool _subscribed;

    /// <summary>Registers work of an orchestration; the token is cancelled when it is told to stop.</summary>
    public async Task<Registration> RegisterAsync(string instanceId, CancellationToken cancellationToken)
    {
        await SubscribeAsync(cancellationToken);
        var registration = new Registration(this);
        _running[registration] = instanceId;
        return registration;
    }

    /// <summary>Tells the work of an orchestration to stop, in every process.</summary>
    public Task StopAsync(string instanceId, CancellationToken cancellationToken) => redis.PublishAsync(ChannelName, instanceId, cancellationToken);

    public void Dispose() => _subscribing.Dispose();

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        if (_subscribed)
        {
            return;
        }

        await _subscribing.WaitAsync(cancellationToken);
        try
        {
            if (!_subscribed)
            {
                await redis.SubscribeAsync(ChannelName, Stop, cancellationToken);
                _subscribed = true;
            }
        }
        finally
        {
            _subscribing.Release();
        }
    }

    private void Stop(string instanceId)
    {
        foreach (var (registration, _) in _running.Where(running => running.Value == instanceId))
        {
            registration.Cancel();
        }
    }

    internal sealed class Registration(StopSignals signals) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public CancellationToken Token => _stop.Token;

        public void Cancel()
        {
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The work ended at the same moment.
            }
        }

        public void Dispose()
        {
            signals._running.TryRemove(this, out _);
            _stop.Dispose();
        }
    }
}
