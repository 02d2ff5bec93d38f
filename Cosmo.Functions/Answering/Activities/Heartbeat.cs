using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Tells the orchestration that the model is alive: soon after the first event of the first round, then every 15 s if events came since, with the moment of
/// the last one. More would fill the orchestration's history, and of an answer that is over by then the first is none that anybody needs.
/// </summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>So long the first event is kept back at most, and never for more than a tenth of the time until it must have been heard of: the way there takes time, too.</summary>
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(5);

    private readonly DurableTaskClient _client;
    private readonly string _instanceId;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource _first = new();
    private readonly Task _beating;
    private long _lastEvent;

    /// <param name="client">The Durable store.</param>
    /// <param name="instanceId">The orchestration.</param>
    /// <param name="firstEventBy">When it must have heard of the first event; null if that is not waited for.</param>
    /// <param name="clock">The clock of all waits.</param>
    /// <param name="logger">Hears of what could not be told.</param>
    public Heartbeat(DurableTaskClient client, string instanceId, DateTimeOffset? firstEventBy, TimeProvider clock, ILogger logger)
    {
        (_client, _instanceId, _clock, _logger) = (client, instanceId, clock, logger);
        _beating = RunAsync(firstEventBy);
    }

    /// <summary>An event came. Returns at once.</summary>
    public void Beat()
    {
        Interlocked.Exchange(ref _lastEvent, _clock.GetUtcNow().UtcTicks);
        _first.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        _stopped.Cancel();
        await _beating;
        _stopped.Dispose();
    }

    private async Task RunAsync(DateTimeOffset? firstEventBy)
    {
        try
        {
            var told = 0L;
            if (firstEventBy is { } due)
            {
                await _first.Task.WaitAsync(_stopped.Token);
                var tenth = (due - _clock.GetUtcNow()) / 10;
                await Task.Delay(tenth < TimeSpan.Zero ? TimeSpan.Zero : tenth < FirstDelay ? tenth : FirstDelay, _clock, _stopped.Token);
                told = await TellAsync(told);
            }

            // No PeriodicTimer: one that is cancelled writes down its whole stack, and most answers end in this wait.
            while (true)
            {
                await Task.Delay(Interval, _clock, _stopped.Token);
                told = await TellAsync(told);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private async Task<long> TellAsync(long told)
    {
        var last = Interlocked.Read(ref _lastEvent);
        if (last == told)
        {
            return told;
        }

        try
        {
            await _client.RaiseEventAsync(_instanceId, AnswerMessage.ModelProgress, new DateTimeOffset(last, TimeSpan.Zero), _stopped.Token);
            return last;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _logger.ProgressNotTold(e, _instanceId);
            return told;
        }
    }
}
