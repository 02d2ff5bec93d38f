using System.Collections.Concurrent;
using Cosmo.Functions.Hosting;
using StackExchange.Redis;

namespace Cosmo.Functions.Answering;

/// <summary>
/// Stops the activities of an orchestration wherever they run: losing a <c>WhenAny</c> does not stop an activity. The reason is kept in Redis and
/// published, so that work which begins just then finds it, in whatever process it begins. A signal that is lost costs time only, since the activity keeps
/// its own deadline and the fence keeps what it says from the client.
/// </summary>
internal sealed class StopSignals(RedisConnection redis, ILogger<StopSignals> logger) : IDisposable
{
    private const string ChannelName = "stop";
    private const string Cancelled = "cancelled";
    private const string Ended = "ended";
    private const int KeptSeconds = 86_400;

    /// <summary>The first reason counts.</summary>
    private const string StopScript = """
        redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])
        redis.call('PUBLISH', ARGV[3], redis.call('GET', KEYS[1]) .. ' ' .. ARGV[4])
        """;

    private readonly ConcurrentDictionary<Registration, string> _running = new();
    private readonly SemaphoreSlim _subscribing = new(1, 1);
    private bool _subscribed;

    /// <summary>
    /// Registers work of an orchestration; its token is cancelled when it is told to stop. Whether it was told before is known when <see cref="Registration.Known"/> is.
    /// </summary>
    public Registration Register(string channel, string instanceId, CancellationToken cancellationToken)
    {
        var registration = new Registration(this);
        _running[registration] = instanceId;
        registration.Known = CheckAsync(registration, channel, instanceId, cancellationToken);
        return registration;
    }

    private async Task CheckAsync(Registration registration, string channel, string instanceId, CancellationToken cancellationToken)
    {
        try
        {
            await SubscribeAsync(cancellationToken);
            if (await FindReasonAsync(channel, instanceId, cancellationToken) is { } reason)
            {
                registration.Stop(reason == Cancelled);
            }
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.StopSignalsNotHeard(e, instanceId);
        }
    }

    /// <summary>Tells the work of an orchestration to stop because the orchestration waits for it no longer. Never fails: this process is told in any case.</summary>
    public async Task StopAsync(string channel, string instanceId, CancellationToken cancellationToken)
    {
        Stop(instanceId, isCancelled: false);
        try
        {
            await SignalAsync(channel, instanceId, Ended, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            logger.StopSignalNotSent(e, instanceId);
        }
    }

    /// <summary>Tells an orchestration and its work that somebody wants it cancelled.</summary>
    /// <exception cref="RedisException">Redis is away.</exception>
    /// <exception cref="TimeoutException">Redis does not answer.</exception>
    public Task CancelAsync(string channel, string instanceId, CancellationToken cancellationToken) =>
        SignalAsync(channel, instanceId, Cancelled, cancellationToken);

    /// <summary>Whether somebody wants it cancelled.</summary>
    public async Task<bool> IsCancelledAsync(string channel, string instanceId, CancellationToken cancellationToken) =>
        await FindReasonAsync(channel, instanceId, cancellationToken) == Cancelled;

    public void Dispose() => _subscribing.Dispose();

    private Task<RedisResult> SignalAsync(string channel, string instanceId, string reason, CancellationToken cancellationToken) =>
        redis.EvaluateAsync(StopScript, [Key(channel, instanceId)], [reason, KeptSeconds, redis.Prefix + ChannelName, instanceId], cancellationToken);

    private Task<string?> FindReasonAsync(string channel, string instanceId, CancellationToken cancellationToken) =>
        redis.RunAsync(async database => (string?)await database.StringGetAsync(Key(channel, instanceId)), cancellationToken);

    /// <summary>Where the reason is kept.</summary>
    public RedisKey Key(string channel, string instanceId) => $"{RedisKeys.ForChannel(redis.Prefix, "stop", channel)}:{instanceId}";

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
                await redis.SubscribeAsync(ChannelName, Hear, cancellationToken);
                _subscribed = true;
            }
        }
        finally
        {
            _subscribing.Release();
        }
    }

    private void Hear(string signal)
    {
        if (signal.Split(' ', 2) is [var reason, var instanceId])
        {
            Stop(instanceId, reason == Cancelled);
        }
    }

    private void Stop(string instanceId, bool isCancelled)
    {
        foreach (var (registration, _) in _running.Where(running => running.Value == instanceId))
        {
            registration.Stop(isCancelled);
        }
    }

    internal sealed class Registration(StopSignals signals) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();

        public CancellationToken Token => _stop.Token;

        /// <summary>Is over when it is known whether the work was told to stop before it registered, or that this cannot be known.</summary>
        /// <exception cref="OperationCanceledException">The work was ended first.</exception>
        public Task Known { get; set; } = Task.CompletedTask;

        /// <summary>It was stopped because somebody wants the message cancelled.</summary>
        public bool IsCancelled { get; private set; }

        public void Stop(bool isCancelled)
        {
            IsCancelled |= isCancelled;
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
