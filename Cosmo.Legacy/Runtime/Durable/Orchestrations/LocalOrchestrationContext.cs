using Cosmo.Local.Runtime.Durable.History;
using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.DurableTask;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>What an orchestrator is given. It turns calls into actions and waits for the events that answer them.</summary>
internal sealed class LocalOrchestrationContext : TaskOrchestrationContext
{
    private const int MaxCustomStatusBytes = 16 * 1024;

    private readonly Execution _execution;
    private readonly OrchestratorThread _thread;
    private readonly DataConverter _converter;
    private readonly TaskRetries _retries;
    private readonly DeterministicGuids _guids;
    private DateTime _now;

    public LocalOrchestrationContext(Execution execution, OrchestratorThread thread, DataConverter converter, ILoggerFactory loggers)
    {
        _execution = execution;
        _thread = thread;
        _converter = converter;
        _retries = new TaskRetries(this);
        _guids = new DeterministicGuids(execution.InstanceId);
        Events = new ExternalEvents(converter);
        LoggerFactory = loggers;
        CustomStatus = execution.CustomStatus;
    }

    public override TaskName Name => _execution.Name;

    public override string InstanceId => _execution.InstanceId;

    public override ParentOrchestrationInstance? Parent
        => _execution.Parent is { } parent ? new ParentOrchestrationInstance(parent.Name, parent.InstanceId) : null;

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => Replaying;

    /// <summary>What <see cref="IsReplaying"/> tells the orchestrator.</summary>
    public bool Replaying { get; set; }

    public OpenTasks Tasks { get; } = new();

    public ExternalEvents Events { get; }

    public string? CustomStatus { get; private set; }

    /// <summary>Whether the orchestrator asked to continue as new, and with what input.</summary>
    public (bool Asked, string? Input) NextRun { get; private set; }

    protected override ILoggerFactory LoggerFactory { get; }

    public void BeginStep(DateTime now) => _now = now;

    public override T? GetInput<T>()
        where T : default
        => _converter.Deserialize<T>(_execution.Input);

    public override Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null)
    {
        ThrowIfMistakenForInput(input, options);
        var serialized = _converter.Serialize(input);
        return _retries.RunAsync(() => CallAsync<TResult>(name, id => new TaskScheduled(id, name, serialized)), options?.Retry);
    }

    public override Task<TResult> CallSubOrchestratorAsync<TResult>(
        TaskName orchestratorName, object? input = null, TaskOptions? options = null)
    {
        ThrowIfMistakenForInput(input, options);
        var instanceId = (options as SubOrchestrationOptions)?.InstanceId ?? NewGuid().ToString("N");
        InstanceIds.ThrowIfInvalid(instanceId);
        var serialized = _converter.Serialize(input);
        return _retries.RunAsync(
            () => CallAsync<TResult>(orchestratorName, id => new SubOrchestrationCreated(id, orchestratorName, instanceId, serialized)),
            options?.Retry);
    }

    public override async Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        _thread.ThrowIfElsewhere();
        var (taskId, fired) = Tasks.Open("timer", id => new TimerCreated(id, fireAt.ToUniversalTime()));
        using var cancelling = cancellationToken.Register(() =>
        {
            _thread.ThrowIfElsewhere();
            Tasks.CancelTimer(taskId, cancellationToken);
        });
        await fired;
    }

    public override Task<T?> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
        where T : default
    {
        _thread.ThrowIfElsewhere();
        return Events.WaitAsync<T>(eventName, cancellationToken);
    }

    public override void SendEvent(string instanceId, string eventName, object payload)
    {
        _thread.ThrowIfElsewhere();
        var serialized = _converter.Serialize(payload);
        Tasks.Act(id => new EventSent(id, instanceId, eventName, serialized));
    }

    public override void SetCustomStatus(object? customStatus)
    {
        _thread.ThrowIfElsewhere();
        var serialized = _converter.Serialize(customStatus);
        if (serialized?.Length * sizeof(char) > MaxCustomStatusBytes)
        {
            throw new ArgumentException($"A custom status is at most {MaxCustomStatusBytes} bytes of UTF-16 JSON.", nameof(customStatus));
        }

        CustomStatus = serialized;
    }

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
    {
        _thread.ThrowIfElsewhere();
        NextRun = (true, _converter.Serialize(newInput));
        if (!preserveUnprocessedEvents)
        {
            Events.TakeKept();
        }
    }

    public override Guid NewGuid()
    {
        _thread.ThrowIfElsewhere();
        return _guids.Next(_now);
    }

    private static void ThrowIfMistakenForInput(object? input, TaskOptions? options)
    {
        if (input is TaskOptions && options is null)
        {
            throw new ArgumentException("Options were given as the input. Name the parameter: `options: …`.", nameof(input));
        }
    }

    private async Task<TResult> CallAsync<TResult>(string name, Func<int, OrchestratorAction> action)
    {
        _thread.ThrowIfElsewhere();
        return _converter.Deserialize<TResult>(await Tasks.Open(name, action).End)!;
    }
}
