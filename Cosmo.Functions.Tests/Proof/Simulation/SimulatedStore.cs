using System.Text.Json;
using Cosmo.Functions.Answering;
using Cosmo.Functions.Messaging;
using DurableTask.Core.History;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Cosmo.Functions.Tests.Proof.Simulation;

/// <summary>
/// A Durable store, as far as answers depend on one: instances, external events, timers, and activities that a process of the store runs and that fail when it dies. The real
/// orchestrator runs on it, without replays: that it can be replayed is proved elsewhere (<see cref="Orchestrations.HistoryTests"/>).
/// </summary>
internal sealed class SimulatedStore(Schedule schedule)
{
    private readonly Dictionary<string, SimulatedOrchestration> _instances = [];

    public bool HasAbandoned => _instances.Values.Any(instance => instance.IsAbandoned);

    /// <param name="instanceId">Its id.</param>
    /// <param name="input">What it is given.</param>
    /// <param name="replacesAbandoned">It takes the place of one that ended as a whole.</param>
    /// <exception cref="DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException">It has one of this id.</exception>
    public void Start(string instanceId, AnswerInput input, bool replacesAbandoned)
    {
        var orchestration = new SimulatedOrchestration(schedule, this, instanceId, input);
        if (_instances.TryGetValue(instanceId, out var before) && !(before.IsAbandoned && replacesAbandoned))
        {
            throw new DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException(instanceId);
        }

        _instances[instanceId] = orchestration;
        schedule.Tell($"{input.Address.MessageId} is scheduled");
        schedule.Add(null, Delay.Store, null, orchestration.Begin);
    }

    /// <summary>The client of a process.</summary>
    public static DurableTaskClient Connect(SimulatedWorker worker) => new SimulatedClient(worker);

    /// <summary>What is raised for one that has ended, or is not known, is dropped.</summary>
    public void Raise(string instanceId, string name, object? payload)
    {
        if (_instances.TryGetValue(instanceId, out var instance))
        {
            schedule.Add(null, Delay.Store, null, () => instance.Raise(name, payload));
        }
    }

    /// <summary>Ends one that is under way as a whole; answers its message, or null where none is.</summary>
    public MessageAddress? Abandon(SeededRandom random)
    {
        if (_instances.Values.Where(instance => instance is { IsOver: false, IsAbandoned: false }).ToList() is not { Count: > 0 } running)
        {
            return null;
        }

        var one = running[random.Next(running.Count)];
        one.IsAbandoned = true;
        return one.Input.Address;
    }

    public IReadOnlyList<OrchestrationMetadata> FindAbandoned(string idPrefix) => [.. _instances.Where(pair => pair.Value.IsAbandoned && pair.Key.StartsWith(idPrefix, StringComparison.Ordinal)).Select(pair => Find(pair.Key, withValues: true)!)];

    public object? FindMerged(string instanceId) => _instances[instanceId].Merged;

    public OrchestrationMetadata? Find(string instanceId, bool withValues) => !_instances.TryGetValue(instanceId, out var instance) ? null
        : new OrchestrationMetadata(nameof(AnswerMessage), instanceId)
        {
            RuntimeStatus = instance switch
            {
                { IsAbandoned: true } => OrchestrationRuntimeStatus.Terminated,
                { HasEnded: true } => OrchestrationRuntimeStatus.Completed,
                _ => OrchestrationRuntimeStatus.Running,
            },
            DataConverter = JsonDataConverter.Default,
            SerializedInput = withValues ? JsonDataConverter.Default.Serialize(instance.Input) : null,
            SerializedOutput = withValues && instance.HasEnded ? JsonDataConverter.Default.Serialize(instance.Result) : null,
            SerializedCustomStatus = withValues && instance.Status is { } status ? JsonDataConverter.Default.Serialize(status) : null,
        };
}

/// <summary>One orchestration of a message.</summary>
internal sealed class SimulatedOrchestration(Schedule schedule, SimulatedStore store, string instanceId, AnswerInput input) : TaskOrchestrationContext
{
    private readonly Dictionary<string, Queue<object?>> _raised = [];
    private readonly Dictionary<string, Queue<Action<object?>>> _waiting = [];
    private Task<AnswerResult>? _main;

    /// <summary>Timers that run and activities that are under way: it is not over before they are.</summary>
    private int _underWay;

    public AnswerInput Input => input;

    /// <summary>It ended as a whole: nothing that it waited for comes to it any more, and what it had begun goes on by itself.</summary>
    public bool IsAbandoned { get; set; }

    public bool IsOver => _main is { IsCompleted: true };

    public bool HasEnded => IsOver && _underWay == 0;

    public object? Status { get; private set; }

    /// <summary>What it was told to have been merged.</summary>
    public object? Merged { get; private set; }

    public AnswerResult? Result => _main?.Result;

    public override TaskName Name => nameof(AnswerMessage);

    public override string InstanceId => instanceId;

    public override ParentOrchestrationInstance? Parent => null;

    public override DateTime CurrentUtcDateTime => new(schedule.Time.Now, DateTimeKind.Utc);

    public override bool IsReplaying => false;

    protected override ILoggerFactory LoggerFactory => NullLoggerFactory.Instance;

    public void Begin()
    {
        if (IsAbandoned)
        {
            return;
        }

        schedule.Tell($"the orchestration of {input.Address.MessageId} begins");
        _main = AnswerMessage.RunAsync(this);
        _ = WatchAsync(_main);
    }

    public void Raise(string name, object? payload)
    {
        if (IsOver || IsAbandoned)
        {
            schedule.Promises.MayHaveLostMerged |= IsAbandoned && name == AnswerMessage.MessagesMerged;
            return;
        }

        if (name == AnswerMessage.MessagesMerged)
        {
            Merged = payload;
        }

        schedule.Tell($"{name} for {input.Address.MessageId}");
        if (_waiting.TryGetValue(name, out var waiting) && waiting.TryDequeue(out var hear))
        {
            hear(payload);
        }
        else
        {
            QueueOf(_raised, name).Enqueue(payload);
        }
    }

    public override T? GetInput<T>()
        where T : default => (T)(object)input;

    public override async Task<T> CallActivityAsync<T>(TaskName name, object? input = null, TaskOptions? options = null)
    {
        var (policy, begun) = (options?.Retry?.Policy, schedule.Time.Now);
        var wait = policy?.FirstRetryInterval ?? TimeSpan.Zero;
        _underWay++;
        try
        {
            for (var tries = 1; ; tries++)
            {
                try
                {
                    return (T)(await CallAsync(name, input))!;
                }
                catch (WorkerDiedException e)
                {
                    var isLate = policy?.RetryTimeout is { Ticks: > 0 } limit && schedule.Time.Now - begun >= limit.Ticks;
                    if (policy is null || tries >= policy.MaxNumberOfAttempts || isLate)
                    {
                        throw new TaskFailedException(name, tries, new TaskFailureDetails(nameof(WorkerDiedException), e.Message, null, null, null));
                    }
                }

                await WaitAsync(wait);
                wait = TimeSpan.FromTicks(Math.Min((long)(wait.Ticks * policy.BackoffCoefficient), policy.MaxRetryInterval.Ticks));
            }
        }
        finally
        {
            _underWay--;
        }
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        var fired = new TaskCompletionSource();
        var left = TimeSpan.FromTicks(Math.Max(0, fireAt.Ticks - schedule.Time.Now));
        _underWay++;
        var timer = schedule.After(left, () => End(() => _ = !IsAbandoned && fired.TrySetResult()));
        cancellationToken.Register(() =>
        {
            if (!fired.Task.IsCompleted)
            {
                timer.Dispose();
                End(() => fired.TrySetCanceled(cancellationToken));
            }
        });
        return fired.Task;

        void End(Action end)
        {
            _underWay--;
            end();
        }
    }

    public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
    {
        if (_raised.TryGetValue(eventName, out var raised) && raised.TryDequeue(out var payload))
        {
            return Task.FromResult((T)payload!);
        }

        var heard = new TaskCompletionSource<T>();
        QueueOf(_waiting, eventName).Enqueue(value => heard.SetResult((T)value!));
        return heard.Task;
    }

    public override void SetCustomStatus(object? customStatus) => Status = customStatus;

    public override void SendEvent(string instanceId, string eventName, object payload) => throw new NotSupportedException();

    public override Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null) =>
        throw new NotSupportedException();

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) => throw new NotSupportedException();

    public override Guid NewGuid() => throw new NotSupportedException();

    private static Queue<T> QueueOf<T>(Dictionary<string, Queue<T>> queues, string name)
    {
        if (!queues.TryGetValue(name, out var queue))
        {
            queues[name] = queue = new Queue<T>();
        }

        return queue;
    }

    /// <summary>An activity runs in a process of the store; now and then in two, the first of which to end counts.</summary>
    private Task<object?> CallAsync(string name, object? activityInput)
    {
        var ended = new TaskCompletionSource<object?>();
        schedule.Add(null, Delay.Store, null, Run);
        if (schedule.Plan.RepeatsActivities && schedule.Random.Percent(20))
        {
            schedule.Add(null, Delay.Store, null, Run);
        }

        return schedule.Plan.AbandonedAt is null ? ended.Task : UnlessAbandonedAsync(ended.Task);

        void Run() => schedule.WorkerOf(store).Run(name, activityInput!, ended);
    }

    private Task WaitAsync(TimeSpan time)
    {
        var waited = new TaskCompletionSource();
        schedule.After(time, () => _ = !IsAbandoned && waited.TrySetResult());
        return waited.Task;
    }

    /// <summary>What one that ended as a whole had begun ends for nobody.</summary>
    private async Task<object?> UnlessAbandonedAsync(Task<object?> activity)
    {
        await ((Task)activity).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return IsAbandoned ? await new TaskCompletionSource<object?>().Task : await activity;
    }

    private async Task WatchAsync(Task<AnswerResult> main)
    {
        try
        {
            var result = await main;
            schedule.Tell($"the orchestration of {input.Address.MessageId} ends: {result.Outcome} {result.Cause}");
        }
        catch (Exception e)
        {
            schedule.Promises.Break($"The orchestration of {input.Address.MessageId} failed: {e}");
        }
    }
}

/// <summary>What the store says of an activity whose process died.</summary>
internal sealed class WorkerDiedException() : Exception("The worker process exited.");

/// <summary>A process's client of its store.</summary>
internal sealed class SimulatedClient(SimulatedWorker worker) : DurableTaskClient("simulated")
{
    public override Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default) => worker.AskAsync(
        () =>
        {
            worker.Store.Start(options!.InstanceId!, (AnswerInput)input!, options.DedupeStatuses?.Contains(nameof(OrchestrationRuntimeStatus.Terminated)) == false);
            return options.InstanceId!;
        },
        cancellation);

    public override Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default) => worker.AskAsync(
        () =>
        {
            worker.Store.Raise(instanceId, eventName, eventPayload);
            return true;
        },
        cancellation);

    public override Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        worker.AskAsync(() => worker.Store.Find(instanceId, getInputsAndOutputs), cancellation);

    public override Task<OrchestrationMetadata?> GetInstancesAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null) =>
        Pageable.Create((_, _, _) => Task.FromResult(new Page<OrchestrationMetadata>(worker.Store.FindAbandoned(filter!.InstanceIdPrefix!))));

    public override Task<IList<DurableTask.Core.History.HistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellationToken = default) =>
        Task.FromResult<IList<DurableTask.Core.History.HistoryEvent>>(worker.Store.FindMerged(instanceId) is { } merged
            ? [new EventRaisedEvent(-1, JsonSerializer.Serialize(merged, JsonSerializerOptions.Web)) { Name = AnswerMessage.MessagesMerged }]
            : []);

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
