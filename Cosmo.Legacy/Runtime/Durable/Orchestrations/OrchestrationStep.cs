using Cosmo.Local.Runtime.Durable.History;
using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>Takes an execution one step further: reads its inbox, lets the orchestrator run, commits what came of it.</summary>
internal sealed class OrchestrationStep(
    DurableStore store,
    IDurableFunctions functions,
    DataConverter converter,
    OrchestrationCache cache,
    TimeProvider time,
    ILoggerFactory loggers,
    Action<long> wake)
{
    private readonly ILogger _logger = loggers.CreateLogger<OrchestrationStep>();

    /// <summary>Never called twice at once for the same execution.</summary>
    public async Task<Wakeups> RunAsync(long executionId)
    {
        var live = cache.Take(executionId);
        var execution = live?.Execution ?? store.Read(session => InstanceTable.Find(session, executionId));
        if (execution is null or { HasEnded: true })
        {
            return new Wakeups();
        }

        var messages = store.Read(session => InboxTable.Read(session, executionId));
        var result = Decide(execution, messages, time.GetUtcNow().UtcDateTime, ref live);
        var wakeups = result is null ? new Wakeups() : await store.CommitAsync(session => StepChange.Apply(session, result));
        if (result is { End: { } end })
        {
            LogEnd(execution, end);
        }
        else if (live is not null && result?.Continuation is null)
        {
            live.Execution = result is null ? execution : execution with { Status = result.Status, CustomStatus = result.CustomStatus };
            cache.Put(live);
        }

        return wakeups;
    }

    private StepResult? Decide(Execution execution, List<InboxMessage> messages, DateTime now, ref LiveOrchestration? live)
    {
        if (messages.Select(message => message.Event).OfType<ExecutionTerminated>().FirstOrDefault() is { } terminated)
        {
            return End(execution, now, messages, new ExecutionCompleted(OrchestrationRuntimeStatus.Terminated, terminated.Output));
        }

        var controls = messages.FindAll(message => message.Event is ExecutionSuspended or ExecutionResumed);
        var isSuspended = controls is [.., var last]
            ? last.Event is ExecutionSuspended
            : execution.Status == OrchestrationRuntimeStatus.Suspended;
        if (isSuspended || execution.StartAt > now)
        {
            var status = isSuspended ? OrchestrationRuntimeStatus.Suspended : OrchestrationRuntimeStatus.Pending;
            return controls.Count == 0
                ? null
                : new StepResult(execution, now) { Read = controls, Status = status, CustomStatus = execution.CustomStatus };
        }

        try
        {
            live ??= Load(execution);
            return messages.Count > 0 || live.IsDue
                ? live.Step(messages.Except(controls).Select(message => message.Event), now) with { Read = messages }
                : null;
        }
        catch (Exception error) when (error is not DurableStoreClosedException)
        {
            live = null;
            return End(execution, now, messages, new ExecutionCompleted(
                OrchestrationRuntimeStatus.Failed, null, TaskFailureDetails.FromException(error), error is MissingFunctionException));
        }
    }

    private static StepResult End(Execution execution, DateTime now, List<InboxMessage> messages, ExecutionCompleted end)
        => new(execution, now) { Read = messages, Status = end.Status, CustomStatus = execution.CustomStatus, Events = [end], End = end };

    private LiveOrchestration Load(Execution execution)
    {
        if (!functions.HasOrchestrator(execution.Name))
        {
            throw new MissingFunctionException($"No orchestrator function is called '{execution.Name}'.");
        }

        var live = new LiveOrchestration(execution, functions, converter, loggers, wake);
        live.Replay(store.Read(session => HistoryTable.Read(session, execution.ExecutionId)));
        return live;
    }

    private void LogEnd(Execution execution, ExecutionCompleted end)
    {
        if (end is { Status: OrchestrationRuntimeStatus.Failed, Failure: { } failure })
        {
            Log.OrchestrationFailed(_logger, execution.Name, execution.InstanceId, failure.ErrorType);
            Log.OrchestrationFailure(_logger, execution.InstanceId, failure.ErrorMessage);
        }
    }
}
