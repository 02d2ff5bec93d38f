using DurableTask.Core;
using DurableTask.Core.Entities;
using DurableTask.Core.Entities.OperationFormat;
using DurableTask.Core.Serializing;

namespace Cosmo.Functions.Tests.Local.Durable;

/// <summary>An orchestration whose code is a function. Events that nobody waits for are kept, as the official SDKs do.</summary>
internal sealed class Script(Func<Script, Task<object?>> body) : TaskOrchestration
{
    private static readonly JsonDataConverter Json = JsonDataConverter.Default;

    private readonly Dictionary<string, Queue<string>> _events = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Queue<TaskCompletionSource<string>>> _waiting = new(StringComparer.OrdinalIgnoreCase);
    private string? _input;

    public OrchestrationContext Context { get; private set; } = null!;

    public string InstanceId => Context.OrchestrationInstance.InstanceId;

    public string? Status { get; set; }

    public override async Task<string> Execute(OrchestrationContext context, string input)
    {
        Context = context;
        Context.ErrorDataConverter = Json;
        _input = input;
        return Json.Serialize(await body(this));
    }

    public T Input<T>() => Json.Deserialize<T>(_input);

    public Task<T> CallAsync<T>(string activity, object? input = null) => Context.ScheduleTask<T>(activity, "", input!);

    public Task SleepAsync(TimeSpan time, CancellationToken cancellation = default)
        => Context.CreateTimer(Context.CurrentUtcDateTime + time, true, cancellation);

    public async Task<T> EventAsync<T>(string name)
    {
        if (_events.TryGetValue(name, out var kept) && kept.TryDequeue(out var first))
        {
            return Json.Deserialize<T>(first);
        }

        var waiting = new TaskCompletionSource<string>();
        if (!_waiting.TryGetValue(name, out var others))
        {
            _waiting.Add(name, others = []);
        }

        others.Enqueue(waiting);
        return Json.Deserialize<T>(await waiting.Task);
    }

    /// <summary>Goes on with another input. Events that nobody has waited for go with it.</summary>
    public void ContinueAsNew(object? input)
    {
        foreach (var (name, kept) in _events)
        {
            foreach (var payload in kept)
            {
                Context.SendEvent(new OrchestrationInstance { InstanceId = InstanceId }, name, Json.Deserialize<object>(payload));
            }
        }

        Context.ContinueAsNew(input);
    }

    public override void RaiseEvent(OrchestrationContext context, string name, string input)
    {
        if (_waiting.TryGetValue(name, out var waiting) && waiting.TryDequeue(out var next))
        {
            next.SetResult(input);
            return;
        }

        if (!_events.TryGetValue(name, out var kept))
        {
            _events.Add(name, kept = []);
        }

        kept.Enqueue(input);
    }

    public override string GetStatus() => Status!;
}

/// <summary>An activity whose code is a function.</summary>
internal sealed class FunctionActivity(Func<TaskContext, string, Task<string>> body) : TaskActivity
{
    public override string Run(TaskContext context, string input) => throw new NotSupportedException();

    public override Task<string> RunAsync(TaskContext context, string input) => body(context, input);
}

/// <summary>An entity whose code is a function.</summary>
internal sealed class FunctionEntity(Func<EntityBatchRequest, EntityBatchResult> body) : TaskEntity
{
    public override Task<EntityBatchResult> ExecuteOperationBatchAsync(EntityBatchRequest operations) => Task.FromResult(body(operations));
}

/// <summary>What a hub can run.</summary>
internal sealed class TestFunctions
{
    private static readonly JsonDataConverter Json = JsonDataConverter.Default;

    private readonly Dictionary<string, Func<Script, Task<object?>>> _orchestrators = [];
    private readonly Dictionary<string, Func<TaskContext, string, Task<string>>> _activities = [];

    private readonly Dictionary<string, Func<EntityBatchRequest, EntityBatchResult>> _entities = [];

    public TestFunctions Orchestrator<T>(string name, Func<Script, Task<T>> body)
    {
        _orchestrators.Add(name, async script => await body(script));
        return this;
    }

    public TestFunctions Activity<TInput, TOutput>(string name, Func<TInput, Task<TOutput>> body)
    {
        _activities.Add(name, async (_, input) =>
        {
            // DurableTask.Core hands the parameters over as a list.
            return Json.Serialize(await body(Json.Deserialize<TInput[]>(input)[0]));
        });
        return this;
    }

    public TestFunctions Activity<TInput, TOutput>(string name, Func<TInput, TOutput> body)
        => Activity<TInput, TOutput>(name, input => Task.FromResult(body(input)));

    /// <param name="name">Its name.</param>
    /// <param name="body">The next state, of the state (null if there is none), the operation and its input; null to have none.</param>
    public TestFunctions Entity<T>(string name, Func<T?, string, T, T?> body)
        where T : struct
    {
        _entities.Add(name, batch =>
        {
            var state = batch.EntityState is null ? null : Json.Deserialize<T?>(batch.EntityState);
            var results = new List<OperationResult>();
            foreach (var operation in batch.Operations!)
            {
                state = body(state, operation.Operation!, Json.Deserialize<T>(operation.Input));
                results.Add(new OperationResult());
            }

            return new EntityBatchResult { Results = results, Actions = [], EntityState = state is null ? null : Json.Serialize(state) };
        });
        return this;
    }

    public void AddTo(TaskHubWorker worker)
    {
        foreach (var (name, body) in _orchestrators)
        {
            worker.AddTaskOrchestrations(new Creator<TaskOrchestration>(name, () => new Script(body)));
        }

        foreach (var (name, body) in _activities)
        {
            worker.AddTaskActivities(new Creator<TaskActivity>(name, () => new FunctionActivity(body)));
        }

        foreach (var (name, body) in _entities)
        {
            worker.AddTaskEntities(new Creator<TaskEntity>(name, () => new FunctionEntity(body)));
        }
    }

    private sealed class Creator<T> : ObjectCreator<T>
    {
        private readonly Func<T> _create;

        public Creator(string name, Func<T> create)
        {
            Name = name;
            Version = "";
            _create = create;
        }

        public override T Create() => _create();
    }
}
