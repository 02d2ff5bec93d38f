using System.Threading.Channels;
using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Host;
using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.History;

namespace Cosmo.Local.Durable;

/// <summary>
/// Hands out the work of a durable database and takes its results. What happens is written down first and acted on afterwards, so that a host that
/// starts on the same database, however the one before it ended, goes on where that was. What is locked is known in memory only: one process owns
/// the file. The memory holds the ids of what is ready; histories and payloads are read when they are worked on.
/// </summary>
internal sealed partial class SqliteOrchestrationService : IEntityOrchestrationService, IAsyncDisposable
{
    private readonly SqliteDurabilityOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReadyQueue _orchestrations = new();
    private readonly ReadyQueue _entities = new();
    private readonly Channel<long> _activities = Channel.CreateUnbounded<long>();
    private readonly BackOff _instanceBackOff = new();
    private readonly BackOff _activityBackOff = new();
    private readonly LiveInstances _live;
    private readonly InstanceWatch _watch = new();
    private readonly TimerClock _clock;
    private readonly DurableStore _store;
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Opens the database and takes up what is unfinished there.</summary>
    /// <exception cref="StartupException">Another host has the database, or it is damaged.</exception>
    public SqliteOrchestrationService(SqliteDurabilityOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _live = new LiveInstances(options.LiveHistoryLength);
        _clock = new TimerClock(time, () => _ = FireTimersAsync());
        try
        {
            _store = new DurableStore(options.DatabasePath, options.Synchronous, Publish, time, logger);
            TakeUp();
        }
        catch
        {
            _clock.Dispose();
            throw;
        }
    }

    public int TaskOrchestrationDispatcherCount => 1;

    public int TaskActivityDispatcherCount => 1;

    public int MaxConcurrentTaskOrchestrationWorkItems => _options.MaxConcurrentOrchestrators;

    public int MaxConcurrentTaskActivityWorkItems => _options.MaxConcurrentActivities;

    /// <summary>The database itself.</summary>
    public DurableStore Store => _store;

    public BehaviorOnContinueAsNew EventBehaviourForContinueAsNew => BehaviorOnContinueAsNew.Carryover;

    public EntityBackendProperties EntityBackendProperties => new()
    {
        EntityMessageReorderWindow = TimeSpan.Zero,
        MaxEntityOperationBatchSize = null,
        MaxConcurrentTaskEntityWorkItems = _options.MaxConcurrentEntities,
        SupportsImplicitEntityDeletion = true,
        MaximumSignalDelayTime = TimeSpan.MaxValue,
        UseSeparateQueueForEntityWorkItems = true,
    };

    public EntityBackendQueries EntityBackendQueries => new SqliteEntityQueries(this);

    public Task CreateAsync() => Task.CompletedTask;

    public Task CreateAsync(bool recreateInstanceStore)
        => recreateInstanceStore ? throw new NotSupportedException("Stop the host and remove the file to begin with an empty durable database.") : Task.CompletedTask;

    public Task CreateIfNotExistsAsync() => Task.CompletedTask;

    public Task DeleteAsync() => DeleteAsync(true);

    public Task DeleteAsync(bool deleteInstanceStore) => throw new NotSupportedException("Stop the host and remove the file to delete the durable database.");

    /// <summary>The database is open from the beginning to the end of the host: clients use it before the first and after the last work item.</summary>
    public Task StartAsync() => Task.CompletedTask;

    public Task StopAsync() => Task.CompletedTask;

    public Task StopAsync(bool isForced) => Task.CompletedTask;

    public bool IsMaxMessageCountExceeded(int currentMessageCount, OrchestrationRuntimeState runtimeState) => false;

    public int GetDelayInSecondsAfterOnFetchException(Exception exception) => 1;

    /// <summary>What cannot be done waits by itself, and holds nobody up.</summary>
    public int GetDelayInSecondsAfterOnProcessException(Exception exception) => 0;

    public Task<TaskOrchestrationWorkItem> LockNextTaskOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken)
        => LockNextOrchestrationWorkItemAsync(receiveTimeout, cancellationToken);

    public Task<TaskOrchestrationWorkItem> LockNextOrchestrationWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken)
        => LockNextAsync(_orchestrations, receiveTimeout, cancellationToken);

    public Task<TaskOrchestrationWorkItem> LockNextEntityWorkItemAsync(TimeSpan receiveTimeout, CancellationToken cancellationToken)
        => LockNextAsync(_entities, receiveTimeout, cancellationToken);

    public Task RenewTaskOrchestrationWorkItemLockAsync(TaskOrchestrationWorkItem workItem) => Task.CompletedTask;

    public async Task CompleteTaskOrchestrationWorkItemAsync(
        TaskOrchestrationWorkItem workItem,
        OrchestrationRuntimeState newOrchestrationRuntimeState,
        IList<TaskMessage> outboundMessages,
        IList<TaskMessage> orchestratorMessages,
        IList<TaskMessage> timerMessages,
        TaskMessage continuedAsNewMessage,
        OrchestrationState orchestrationState)
    {
        var item = (InstanceWorkItem)workItem;
        if (orchestrationState is null || !newOrchestrationRuntimeState.IsValid)
        {
            Log.WorkItemDropped(_logger, item.InstanceId);
            await _store.CommitAsync((session, _) => Inbox.Remove(session, item.Locked.Id, item.Locked.LastNumber));
        }
        else
        {
            var step = new StepChange(
                item.Locked, newOrchestrationRuntimeState, outboundMessages, orchestratorMessages, timerMessages, orchestrationState);
            if (await _store.CommitAsync(step.Apply) && step.Next is { } next)
            {
                _live.Put(next);
            }
        }

        item.IsDone = true;
        _instanceBackOff.Clear(item.Locked.Id);
    }

    public Task AbandonTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem)
    {
        var item = (InstanceWorkItem)workItem;
        item.Pause = _instanceBackOff.Next(item.Locked.Id);
        Log.StepAbandoned(_logger, item.InstanceId, item.Pause);
        return Task.CompletedTask;
    }

    public Task ReleaseTaskOrchestrationWorkItemAsync(TaskOrchestrationWorkItem workItem)
    {
        var item = (InstanceWorkItem)workItem;
        if (item.IsDone || item.Pause == TimeSpan.Zero)
        {
            item.Queue.Done(item.Locked.Id, again: !item.IsDone || item.HasMore);
        }
        else
        {
            _ = AfterAsync(item.Pause, () => item.Queue.Done(item.Locked.Id, again: true));
        }

        return Task.CompletedTask;
    }

    public async Task<TaskActivityWorkItem> LockNextTaskActivityWorkItem(TimeSpan receiveTimeout, CancellationToken cancellationToken)
    {
        while (await WaitAsync(_activities.Reader, receiveTimeout, cancellationToken))
        {
            if (!_activities.Reader.TryRead(out var activityId))
            {
                continue;
            }

            if (cancellationToken.IsCancellationRequested)
            {
                _activities.Writer.TryWrite(activityId);
                break;
            }

            TaskMessage? message;
            try
            {
                message = _store.Read(session => Activities.Find(session, activityId));
            }
            catch (Exception error) when (error is DurableStoreException or InvalidDataException)
            {
                _ = AfterAsync(_activityBackOff.Next(activityId), () => _activities.Writer.TryWrite(activityId));
                throw;
            }

            if (message is not null)
            {
                return new ActivityWorkItem(activityId, message);
            }
        }

        return null!;
    }

    public Task<TaskActivityWorkItem> RenewTaskActivityWorkItemLockAsync(TaskActivityWorkItem workItem) => Task.FromResult(workItem);

    public async Task CompleteTaskActivityWorkItemAsync(TaskActivityWorkItem workItem, TaskMessage responseMessage)
    {
        var item = (ActivityWorkItem)workItem;
        var end = Message.From(responseMessage);
        await _store.CommitAsync((session, wakeups) => Activities.Finish(session, item.ActivityId, end, wakeups));
        _activityBackOff.Clear(item.ActivityId);
    }

    public Task AbandonTaskActivityWorkItemAsync(TaskActivityWorkItem workItem)
    {
        var item = (ActivityWorkItem)workItem;
        var pause = _activityBackOff.Next(item.ActivityId);
        Log.ActivityAbandoned(_logger, ((TaskScheduledEvent)item.TaskMessage.Event).Name ?? "", item.TaskMessage.OrchestrationInstance.InstanceId, pause);
        _ = AfterAsync(pause, () => _activities.Writer.TryWrite(item.ActivityId));
        return Task.CompletedTask;
    }

    /// <summary>Commits what was handed in before. What is still worked on cannot be handed in any more, and is taken up by the next start.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _clock.Dispose();
        await _store.DisposeAsync();
        _watch.Close();
    }

    /// <returns>False if nothing came in time.</returns>
    private static async ValueTask<bool> WaitAsync(ChannelReader<long> ready, TimeSpan timeout, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested || ready.TryPeek(out _))
        {
            return !cancellation.IsCancellationRequested;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);

        // Who stops a dispatcher looks at once, and then a second later, whether this wait is over. So the cancellation itself has to bring it to its end,
        // which the channel would leave to another thread.
        var stopped = new TaskCompletionSource<bool>();
        using var registration = cancellation.UnsafeRegister(_ => stopped.TrySetResult(false), null);
        try
        {
            return await await Task.WhenAny(ready.WaitToReadAsync(limit.Token).AsTask(), stopped.Task).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<TaskOrchestrationWorkItem> LockNextAsync(ReadyQueue queue, TimeSpan receiveTimeout, CancellationToken cancellation)
    {
        while (await WaitAsync(queue.Ready, receiveTimeout, cancellation))
        {
            if (queue.Take() is not { } id)
            {
                continue;
            }

            InstanceWorkItem? item;
            var live = _live.Take(id);
            try
            {
                item = _store.Read(session => Inbox.Lock(session, id, live, queue));
            }
            catch (Exception error) when (error is DurableStoreException or InvalidDataException)
            {
                _ = AfterAsync(_instanceBackOff.Next(id), () => queue.Done(id, again: true));
                throw;
            }

            if (item is not null)
            {
                return item;
            }

            if (live is not null)
            {
                _live.Put(live);
            }

            queue.Done(id, again: false);
        }

        return null!;
    }

    private void TakeUp()
    {
        var (instances, activities) = _store.Read(session =>
        {
            var ready = new Wakeups();
            ready.Instances.AddRange(Inbox.Waiting(session));
            ready.Activities.AddRange(Activities.All(session));
            Publish(ready);
            return (ready.Instances.Count, ready.Activities.Count);
        });
        _clock.Set(_time.GetUtcNow().UtcDateTime);
        Log.Opened(_logger, _options.DatabasePath, instances, activities);
    }

    private void Publish(Wakeups wakeups)
    {
        foreach (var instance in wakeups.Instances)
        {
            (instance.IsEntity ? _entities : _orchestrations).Add(instance.Id);
        }

        foreach (var activityId in wakeups.Activities)
        {
            _activities.Writer.TryWrite(activityId);
        }

        if (wakeups.NextTimer < DateTime.MaxValue)
        {
            _clock.Set(wakeups.NextTimer);
        }

        wakeups.Ended.ForEach(_watch.Changed);
        foreach (var dropped in wakeups.Dropped)
        {
            // Results that come too late are nothing special; an event that somebody raised is.
            var level = dropped.Type is EventType.TaskCompleted or EventType.TaskFailed or EventType.TimerFired ? LogLevel.Debug : LogLevel.Information;
            Log.Dropped(_logger, level, dropped.Type, dropped.InstanceId, dropped.Reason);
        }
    }

    private async Task FireTimersAsync()
    {
        try
        {
            await _store.CommitAsync((session, wakeups) => Messages.FireDue(session, _time.GetUtcNow().UtcDateTime, wakeups));
        }
        catch (Exception error)
        {
            if (!_closing.IsCancellationRequested)
            {
                var pause = TimeSpan.FromSeconds(1);
                Log.TimersFailed(_logger, pause, error);
                _clock.Set(_time.GetUtcNow().UtcDateTime + pause);
            }
        }
    }

    private async Task AfterAsync(TimeSpan pause, Action action)
    {
        await Task.Delay(pause, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_closing.IsCancellationRequested)
        {
            action();
        }
    }
}
