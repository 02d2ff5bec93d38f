using Microsoft.DurableTask.Client;

namespace Cosmo.Functions.Answering.Activities;

/// <summary>
/// Tells the orchestration that the model is alive: at the first event of the first round, then every 15 s if events came since, with the moment of
/// the last one. More would fill the orchestration's history.
/// </summary>
internal sealed class Heartbeat : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly DurableTaskClient _client;
    private readonly string _instanceId;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _beating;
    private long _lastEvent;

    public Heartbeat(DurableTaskClient client, string instanceId, bool isFirstRound, TimeProvider clock, ILogger logger)
    {
        (_client, _instanceId, _clock, _logger) = (client, instanceId, clock, logger);
        _beating = Task.Run(() => RunAsync(isFirstRound));
    }

    /// <summary>An event came. Returns at once.</summary>
    public void Beat()
    {
        Interlocked.Exchange(ref _lastEvent, _clock.GetUtcNow().UtcTicks);
        _first.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _beating;
        _stopped.Dispose();
    }

    private async Task RunAsync(bool isFirstRound)
    {
        try
        {
            using var timer = new PeriodicTimer(Interval, _clock);
            var told = 0L;
            if (isFirstRound)
            {
                await _first.Task.WaitAsync(_stopped.Token);
                told = await TellAsync(told);
            }

            while (await timer.WaitForNextTickAsync(_stopped.Token))
            {
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
