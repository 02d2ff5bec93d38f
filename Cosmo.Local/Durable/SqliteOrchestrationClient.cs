using System.Diagnostics;
using System.Runtime.CompilerServices;
using Cosmo.Local.Durable.Storage;
using DurableTask.Core;
using DurableTask.Core.Exceptions;
using DurableTask.Core.History;
using DurableTask.Core.Query;
using DurableTask.Core.Tracing;

namespace Cosmo.Local.Durable;

/// <content>What clients ask for: starts, messages, states, queries, purges.</content>
internal sealed partial class SqliteOrchestrationService : IOrchestrationServiceClient, IOrchestrationServiceQueryClient, IOrchestrationServicePurgeClient
{
    /// <summary>Instances that one commit of a purge removes.</summary>
    private const int PurgedAtOnce = 200;

    private const int LargestPage = 1000;

    public Task CreateTaskOrchestrationAsync(TaskMessage creationMessage) => CreateTaskOrchestrationAsync(creationMessage, []);

    /// <summary>Starts an instance. One that runs is never replaced; one that has ended is, unless its status is one of those to dedupe.</summary>
    /// <exception cref="OrchestrationAlreadyExistsException">The id is taken.</exception>
    public async Task CreateTaskOrchestrationAsync(TaskMessage creationMessage, OrchestrationStatus[]? dedupeStatuses)
    {
        var start = Message.From(creationMessage);
        if (await _store.CommitAsync((session, wakeups) => Messages.Start(session, start, dedupeStatuses ?? [], wakeups)) is { } taken)
        {
            throw new OrchestrationAlreadyExistsException($"An orchestration with the instance id '{start.InstanceId}' already exists and is {taken}.");
        }
    }

    public Task SendTaskOrchestrationMessageAsync(TaskMessage message) => SendTaskOrchestrationMessageBatchAsync(message);

    public Task SendTaskOrchestrationMessageBatchAsync(params TaskMessage[] messages)
    {
        var stored = Array.ConvertAll(messages, Message.From);
        return _store.CommitAsync((session, wakeups) => Array.ForEach(stored, message => Messages.Deliver(session, message, wakeups)));
    }

    public Task ForceTerminateTaskOrchestrationAsync(string instanceId, string reason)
    {
        var terminate = ToInstance(instanceId, new ExecutionTerminatedEvent(-1, reason));
        return _store.CommitAsync((session, wakeups) =>
        {
            if (!Messages.TerminateBeforeStart(session, instanceId, reason, _time.GetUtcNow().UtcDateTime, wakeups))
            {
                Messages.Deliver(session, terminate, wakeups);
            }
        });
    }

    /// <summary>Has a failed orchestration run what failed once more.</summary>
    public Task RewindAsync(string instanceId, string reason)
    {
        // DurableTask.Core asks every rewind for the trace that it belongs to.
        var trace = Activity.Current?.Id ?? $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00";
        var rewind = ToInstance(instanceId, new ExecutionRewoundEvent(-1, reason) { ParentTraceContext = new DistributedTraceContext(trace) });
        return _store.CommitAsync((session, wakeups) => Messages.Deliver(session, rewind, wakeups));
    }

    /// <summary>Waits for the end of an instance, of whatever execution: continuing as new makes another.</summary>
    /// <returns>Null if it did not end in time.</returns>
    public async Task<OrchestrationState> WaitForOrchestrationAsync(
        string instanceId, string executionId, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (timeout != Timeout.InfiniteTimeSpan && timeout.TotalMilliseconds < int.MaxValue)
        {
            limit.CancelAfter(timeout);
        }

        try
        {
            return await _watch.WaitAsync(instanceId, () => ReadState(instanceId) is { } state && Instances.Ended.Contains(state.OrchestrationStatus) ? state : null, limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null!;
        }
    }

    public Task<IList<OrchestrationState>> GetOrchestrationStateAsync(string instanceId, bool allExecutions)
        => Task.FromResult<IList<OrchestrationState>>(ReadState(instanceId) is { } state ? [state] : []);

    public Task<OrchestrationState> GetOrchestrationStateAsync(string instanceId, string? executionId) => Task.FromResult(
        ReadState(instanceId) is { } state && (string.IsNullOrEmpty(executionId) || state.OrchestrationInstance.ExecutionId == executionId) ? state : null!);

    /// <returns>A JSON list of events; an empty one if there is no such instance or execution.</returns>
    public Task<string> GetOrchestrationHistoryAsync(string instanceId, string? executionId) => Task.FromResult(
        $"[{string.Join(',', ReadHistory(instanceId, executionId).SelectMany(HistoryText.ReadJson))}]");

    public async IAsyncEnumerable<HistoryEvent> StreamHistoryAsync(string instanceId, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        foreach (var step in ReadHistory(instanceId, null))
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var happened in HistoryText.Read(step))
            {
                yield return happened;
            }
        }
    }

    public Task<OrchestrationQueryResult> GetOrchestrationWithQueryAsync(OrchestrationQuery query, CancellationToken cancellationToken)
    {
        var filter = new InstanceFilter
        {
            CreatedFrom = query.CreatedTimeFrom ?? DateTime.MinValue,
            CreatedTo = query.CreatedTimeTo ?? DateTime.MaxValue,
            Statuses = query.RuntimeStatus is { Count: > 0 } statuses ? [.. statuses] : null,
            Prefix = query.InstanceIdPrefix,
            WithPayloads = query.FetchInputsAndOutputs,
            WithoutEntities = query.ExcludeEntities,
        };
        var (states, next) = ReadPage(filter, query.PageSize, query.ContinuationToken);
        return Task.FromResult(new OrchestrationQueryResult(states, next));
    }

    /// <summary>Finds instances, page by page.</summary>
    /// <param name="size">The most that a page has; from 1 to 1000, else 1000 or 100.</param>
    /// <exception cref="ArgumentException">The token is not from a page before.</exception>
    public (IReadOnlyList<OrchestrationState> States, string? Next) ReadPage(InstanceFilter filter, int size, string? token)
    {
        var page = _store.Read(session => Instances.Page(
            session, filter, size < 1 ? 100 : Math.Min(size, LargestPage), string.IsNullOrEmpty(token) ? null : token));
        return ([.. page.Found.Select(found => found.State)], page.Next);
    }

    /// <summary>Removes an instance that has ended, or an entity.</summary>
    public async Task<PurgeResult> PurgeInstanceStateAsync(string instanceId) => new(await _store.CommitAsync((session, _) =>
    {
        if (Instances.Find(session, instanceId) is not { } found || !(found.HasEnded || DurableTask.Core.Common.Entities.IsEntityInstance(instanceId)))
        {
            return 0;
        }

        Instances.Delete(session, found.Id);
        return 1;
    }));

    /// <summary>Removes the instances that have ended and that the filter lets through; some at a time, so that nobody waits long.</summary>
    public async Task<PurgeResult> PurgeInstanceStateAsync(PurgeInstanceFilter purgeInstanceFilter)
    {
        var began = _time.GetTimestamp();
        var statuses = purgeInstanceFilter.RuntimeStatus?.ToList() is { Count: > 0 } wanted ? wanted : Instances.Ended;
        var filter = new InstanceFilter
        {
            CreatedFrom = purgeInstanceFilter.CreatedTimeFrom,
            CreatedTo = purgeInstanceFilter.CreatedTimeTo ?? DateTime.MaxValue,
            Statuses = [.. Instances.Ended.Intersect(statuses)],
        };
        var purged = 0;
        while (filter.Statuses.Count > 0)
        {
            if (purgeInstanceFilter.Timeout is { } timeout && _time.GetElapsedTime(began) > timeout)
            {
                return new PurgeResult(purged, false);
            }

            var removed = await _store.CommitAsync((session, _) => Remove(session, Instances.Page(session, filter, PurgedAtOnce, null).Found.Select(found => found.Id)));
            purged += removed;
            if (removed < PurgedAtOnce)
            {
                break;
            }
        }

        return new PurgeResult(purged, true);
    }

    public async Task PurgeOrchestrationHistoryAsync(DateTime thresholdDateTimeUtc, OrchestrationStateTimeRangeFilterType timeRangeFilterType)
    {
        while (await _store.CommitAsync((session, _) => Remove(
            session, Instances.EndedBefore(session, thresholdDateTimeUtc, timeRangeFilterType, PurgedAtOnce))) == PurgedAtOnce)
        {
        }
    }

    private static int Remove(SqliteSession session, IEnumerable<long> ids)
    {
        var removed = 0;
        foreach (var id in ids)
        {
            Instances.Delete(session, id);
            removed++;
        }

        return removed;
    }

    private static Message ToInstance(string instanceId, HistoryEvent happened)
        => Message.From(new TaskMessage { OrchestrationInstance = new OrchestrationInstance { InstanceId = instanceId }, Event = happened });

    private OrchestrationState? ReadState(string instanceId) => _store.Read(session => Instances.FindState(session, instanceId));

    private List<string> ReadHistory(string instanceId, string? executionId) => _store.Read(session =>
        Instances.Find(session, instanceId) is { } found && (string.IsNullOrEmpty(executionId) || found.ExecutionId == executionId)
            ? Instances.History(session, found.Id)
            : []);
}
