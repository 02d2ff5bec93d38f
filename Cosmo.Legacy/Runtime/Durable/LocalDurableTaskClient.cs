using System.Diagnostics;
using Cosmo.Local.Runtime.Durable.History;
using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable;

/// <summary>The client of the engine in the same process.</summary>
internal sealed class LocalDurableTaskClient(DurableEngine engine, string name = "local") : DurableTaskClient(name)
{
    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(orchestratorName.Name, nameof(orchestratorName));
        var instanceId = options?.InstanceId ?? InstanceIds.New();
        InstanceIds.ThrowIfInvalid(instanceId);
        var refusing = options?.DedupeStatuses?.Select(ParseStatus).ToArray() ?? [];
        var now = engine.Time.GetUtcNow();
        var start = new NewExecution(
            instanceId,
            orchestratorName,
            engine.Converter.Serialize(input),
            now.UtcDateTime,
            StartAt: options?.StartAt > now ? options.StartAt.Value.UtcDateTime : null,
            TraceParent: Activity.Current?.Id);

        cancellation.ThrowIfCancellationRequested();
        var refusal = await ChangeAsync((session, wakeups) => InstanceChanges.Start(session, start, refusing, wakeups));
        return refusal is { } status ? throw AlreadyExists.Exception(instanceId, status) : instanceId;
    }

    public override async Task RaiseEventAsync(
        string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        cancellation.ThrowIfCancellationRequested();
        var raised = new EventRaised(eventName, engine.Converter.Serialize(eventPayload));
        await ChangeAsync((session, wakeups) => InstanceChanges.Send(session, instanceId, raised, wakeups));
    }

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(instanceId, found => found.Status != OrchestrationRuntimeStatus.Pending, getInputsAndOutputs, cancellation);

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(instanceId, found => found.HasEnded, getInputsAndOutputs, cancellation);

    public override Task TerminateInstanceAsync(
        string instanceId, TerminateInstanceOptions? options = null, CancellationToken cancellation = default)
        => ControlAsync(
            instanceId, new ExecutionTerminated(engine.Converter.Serialize(options?.Output), options?.Recursive ?? false), cancellation);

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => ControlAsync(instanceId, new ExecutionSuspended(reason), cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => ControlAsync(instanceId, new ExecutionResumed(reason), cancellation);

    public override Task<OrchestrationMetadata?> GetInstancesAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        cancellation.ThrowIfCancellationRequested();
        var found = engine.Store.Read(session => InstanceTable.Find(session, instanceId));
        return Task.FromResult(found is null ? null : Describe(found, getInputsAndOutputs));
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null)
    {
        var query = filter ?? new OrchestrationQuery();
        return Pageable.Create((continuation, pageSize, cancellation) =>
        {
            cancellation.ThrowIfCancellationRequested();
            var (found, next) = engine.Store.Read(
                session => InstanceQuery.Page(session, query, pageSize ?? query.PageSize, continuation ?? query.ContinuationToken));
            var page = found.ConvertAll(execution => Describe(execution, query.FetchInputsAndOutputs));
            return Task.FromResult(new Page<OrchestrationMetadata>(page, next));
        });
    }

    public override async Task<PurgeResult> PurgeInstanceAsync(
        string instanceId, PurgeInstanceOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        cancellation.ThrowIfCancellationRequested();
        var isRecursive = options?.Recursive ?? false;
        return new PurgeResult(await engine.Store.CommitAsync(session => InstancePurge.One(session, instanceId, isRecursive)), true);
    }

    public override async Task<PurgeResult> PurgeAllInstancesAsync(
        PurgeInstancesFilter filter, PurgeInstanceOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var isRecursive = options?.Recursive ?? false;
        var purged = 0;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var (count, isLast) = await engine.Store.CommitAsync(session => InstancePurge.Some(session, filter, isRecursive));
            purged += count;
            if (isLast)
            {
                return new PurgeResult(purged, true);
            }
        }
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static OrchestrationRuntimeStatus ParseStatus(string status)
        => Enum.TryParse<OrchestrationRuntimeStatus>(status, ignoreCase: true, out var parsed)
            ? parsed
            : throw new ArgumentException($"'{status}' is not an orchestration status.", nameof(status));

    private async Task ControlAsync(string instanceId, HistoryEvent message, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        cancellation.ThrowIfCancellationRequested();
        var status = await ChangeAsync((session, wakeups) => InstanceChanges.Send(session, instanceId, message, wakeups))
            ?? throw new ArgumentException($"There is no orchestration instance with the id '{instanceId}'.", nameof(instanceId));
        if (Execution.Ended.Contains(status))
        {
            throw new InvalidOperationException($"The orchestration instance '{instanceId}' has ended; its status is {status}.");
        }
    }

    private async Task<T> ChangeAsync<T>(Func<SqliteSession, Wakeups, T> change)
    {
        var wakeups = new Wakeups();
        var result = await engine.Store.CommitAsync(session => change(session, wakeups));
        engine.Publish(wakeups);
        return result;
    }

    private async Task<OrchestrationMetadata> WaitAsync(
        string instanceId, Func<Execution, bool> isEnough, bool getInputsAndOutputs, CancellationToken cancellation)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        var found = await engine.Watch.WaitAsync(
            instanceId,
            () => engine.Store.Read(session => InstanceTable.Find(session, instanceId)) is { } execution && isEnough(execution) ? execution : null,
            cancellation);
        return Describe(found, getInputsAndOutputs);
    }

    private OrchestrationMetadata Describe(Execution found, bool withInputsAndOutputs) => new(found.Name, found.InstanceId)
    {
        RuntimeStatus = found.Status,
        CreatedAt = new DateTimeOffset(found.CreatedAt),
        LastUpdatedAt = new DateTimeOffset(found.UpdatedAt),
        FailureDetails = found.Failure,
        DataConverter = withInputsAndOutputs ? engine.Converter : null,
        SerializedInput = withInputsAndOutputs ? found.Input : null,
        SerializedOutput = withInputsAndOutputs ? found.Output : null,
        SerializedCustomStatus = withInputsAndOutputs ? found.CustomStatus : null,
    };
}
