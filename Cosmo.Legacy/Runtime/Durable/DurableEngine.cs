using System.Threading.Channels;
using Cosmo.Local.Runtime.Durable.Orchestrations;
using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Converters;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>
/// Runs orchestrations and activities on a database. What happens is written down first and acted on afterwards, so that an engine that
/// starts on the same database, however the one before it ended, goes on where that was.
/// </summary>
internal sealed class DurableEngine(IDurableFunctions functions, DurableEngineOptions options, TimeProvider time, ILoggerFactory loggers)
    : BackgroundService, IAsyncDisposable
{
    /// <summary>For what has to come to its end after it was cancelled.</summary>
    private static readonly TimeSpan CancelledTimeout = TimeSpan.FromSeconds(2);

    private readonly ILogger _logger = loggers.CreateLogger<DurableEngine>();
    private readonly ReadyQueue _orchestrations = new();
    private readonly Channel<long> _activities = Channel.CreateUnbounded<long>();
    private readonly CancellationTokenSource _stopActivities = new();
    private readonly CancellationTokenSource _cancelActivities = new();
    private readonly CancellationTokenSource _stopOrchestrations = new();
    private DurableStore? _store;
    private TimerClock? _clock;
    private ActivityRun? _activity;
    private Task _activityLoop = Task.CompletedTask;
    private Task _orchestrationLoop = Task.CompletedTask;

    /// <summary>The converter of all inputs, outputs and payloads.</summary>
    public DataConverter Converter { get; } = JsonDataConverter.Default;

    public TimeProvider Time => time;

    public InstanceWatch Watch { get; } = new();

    /// <exception cref="InvalidOperationException">The engine was not started.</exception>
    public DurableStore Store => _store ?? throw new InvalidOperationException("The durable engine was not started.");

    /// <summary>Opens the database and takes up what is unfinished there.</summary>
    /// <exception cref="StartupException">Another engine has the database.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        _store = new DurableStore(options.DatabasePath);
        _clock = new TimerClock(time, () => _ = FireTimersAsync());
        _activity = new ActivityRun(_store, functions, Converter, loggers);
        var cache = new OrchestrationCache(options.MaxCachedOrchestrations);
        var step = new OrchestrationStep(_store, functions, Converter, cache, time, loggers, _orchestrations.Add);

        var unfinished = _store.Read(InstanceChanges.Recover);
        Log.Started(_logger, options.DatabasePath, unfinished.Executions.Count, unfinished.Activities.Count);
        Publish(unfinished);
        _orchestrationLoop = Task.Run(() => RunOrchestrationsAsync(step), CancellationToken.None);
        _activityLoop = Task.Run(() => RunActivitiesAsync(_activity), CancellationToken.None);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Takes no new work, lets running activities end for a while, cancels the rest and leaves it to the next start.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopActivities.CancelAsync();
        await WaitAsync(_activityLoop, options.DrainTimeout, cancellationToken);
        Log.Stopped(_logger, _activity?.Running ?? 0);
        await _cancelActivities.CancelAsync();
        await WaitAsync(_activityLoop, CancelledTimeout, cancellationToken);
        await _stopOrchestrations.CancelAsync();
        await WaitAsync(_orchestrationLoop, CancelledTimeout, cancellationToken);
        await base.StopAsync(cancellationToken);
        await DisposeAsync();
    }

    /// <summary>Without a stop before it, this is a crash: what runs is abandoned and cannot write any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _clock?.Dispose();
        await _stopActivities.CancelAsync();
        await _stopOrchestrations.CancelAsync();
        await _cancelActivities.CancelAsync();
        Watch.Close();
        base.Dispose();
    }

    /// <summary>Makes known what a commit made ready.</summary>
    public void Publish(Wakeups wakeups)
    {
        foreach (var executionId in wakeups.Executions)
        {
            _orchestrations.Add(executionId);
        }

        foreach (var activityId in wakeups.Activities)
        {
            _activities.Writer.TryWrite(activityId);
        }

        if (wakeups.NextTimer is { } due)
        {
            _clock?.Set(due);
        }

        wakeups.ChangedInstances.ForEach(Watch.Changed);
    }

    /// <summary>Ends, and the host with it, if the database cannot be written any more.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Store.Completion.WaitAsync(stoppingToken);

    private async Task WaitAsync(Task task, TimeSpan limit, CancellationToken cancellation)
        => await task.WaitAsync(limit, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private Task RunOrchestrationsAsync(OrchestrationStep step) => Parallel.ForEachAsync(
        _orchestrations.TakeAllAsync(_stopOrchestrations.Token),
        new ParallelOptions { MaxDegreeOfParallelism = options.MaxConcurrentOrchestrators, CancellationToken = _stopOrchestrations.Token },
        async (executionId, _) =>
        {
            try
            {
                Publish(await step.RunAsync(executionId));
            }
            catch (Exception error)
            {
                if (error is not DurableStoreClosedException)
                {
                    Log.StepFailed(_logger, executionId, error);
                }
            }
            finally
            {
                _orchestrations.Done(executionId);
            }
        });

    private Task RunActivitiesAsync(ActivityRun activity) => Parallel.ForEachAsync(
        _activities.Reader.ReadAllAsync(_stopActivities.Token),
        new ParallelOptions { MaxDegreeOfParallelism = options.MaxConcurrentActivities, CancellationToken = _stopActivities.Token },
        async (activityId, _) =>
        {
            try
            {
                Publish(await activity.RunAsync(activityId, _cancelActivities.Token));
            }
            catch (Exception error)
            {
                if (error is not DurableStoreClosedException)
                {
                    Log.ActivityNotRun(_logger, activityId, error);
                }
            }
        });

    private async Task FireTimersAsync()
    {
        try
        {
            Publish(await Store.CommitAsync(session => TimerTable.FireDue(session, time.GetUtcNow().UtcDateTime)));
        }
        catch (Exception error)
        {
            if (error is not DurableStoreClosedException)
            {
                Log.TimersFailed(_logger, error);
            }
        }
    }
}
