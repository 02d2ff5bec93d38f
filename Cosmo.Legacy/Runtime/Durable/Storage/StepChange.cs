using Cosmo.Local.Runtime.Durable.History;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>Writes a step: what the orchestration saw, what it did, and what follows from that for others.</summary>
internal static class StepChange
{
    private static readonly TaskFailureDetails Terminated = new(
        nameof(OrchestrationRuntimeStatus.Terminated), "The sub-orchestration was terminated.", null, null, null);

    public static Wakeups Apply(SqliteSession session, StepResult step)
    {
        var wakeups = new Wakeups();
        foreach (var message in step.Read)
        {
            InboxTable.Remove(session, message.MessageId);
        }

        if (step.Continuation is { } continuation)
        {
            ContinueAsNew(session, step, continuation, wakeups);
            return wakeups;
        }

        AppendHistory(session, step, wakeups);
        InstanceTable.SetStatus(session, step.Execution.ExecutionId, step.Status, step.CustomStatus, step.Now);
        if (step.Status != step.Execution.Status)
        {
            wakeups.ChangedInstances.Add(step.Execution.InstanceId);
        }

        if (step.End is { } end)
        {
            Finish(session, step, end, wakeups);
        }

        return wakeups;
    }

    private static void AppendHistory(SqliteSession session, StepResult step, Wakeups wakeups)
    {
        var executionId = step.Execution.ExecutionId;
        foreach (var timer in step.CancelledTimers)
        {
            TimerTable.Remove(session, executionId, timer);
        }

        var sequence = HistoryTable.Count(session, executionId);
        foreach (var happened in step.Events)
        {
            HistoryTable.Append(session, executionId, sequence, happened);
            switch (happened)
            {
                case TaskScheduled:
                    ActivityTable.Add(session, executionId, sequence, wakeups);
                    break;
                case TimerCreated timer when !step.CancelledTimers.Contains(timer.TaskId):
                    TimerTable.Add(session, executionId, timer.TaskId, timer.FireAt, wakeups);
                    break;
                case SubOrchestrationCreated child:
                    StartChild(session, step, child, wakeups);
                    break;
                case EventSent sent:
                    InstanceChanges.Send(session, sent.InstanceId, new EventRaised(sent.Name, sent.Payload), wakeups);
                    break;
            }

            sequence++;
        }
    }

    private static void StartChild(SqliteSession session, StepResult step, SubOrchestrationCreated child, Wakeups wakeups)
    {
        var parent = step.Execution;
        var start = new NewExecution(
            child.InstanceId,
            child.Name,
            child.Input,
            step.Now,
            Parent: new ParentTask(parent.ExecutionId, child.TaskId, parent.InstanceId, parent.Name),
            TraceParent: parent.TraceParent);
        if (InstanceChanges.Start(session, start, [], wakeups) is { } status)
        {
            var failure = TaskFailureDetails.FromException(AlreadyExists.Exception(child.InstanceId, status));
            InboxTable.Add(session, parent.ExecutionId, new TaskFailed(child.TaskId, failure), wakeups);
        }
    }

    private static void Finish(SqliteSession session, StepResult step, ExecutionCompleted end, Wakeups wakeups)
    {
        var execution = step.Execution;
        InstanceTable.SetOutcome(session, execution.ExecutionId, end.Output, end.Failure);
        InboxTable.Clear(session, execution.ExecutionId);
        TimerTable.Clear(session, execution.ExecutionId);
        ActivityTable.Clear(session, execution.ExecutionId);

        if (execution.Parent is { } parent && InstanceTable.Find(session, parent.ExecutionId) is { HasEnded: false })
        {
            HistoryEvent outcome = end.Status == OrchestrationRuntimeStatus.Completed
                ? new TaskCompleted(parent.TaskId, end.Output)
                : new TaskFailed(parent.TaskId, end.Failure ?? Terminated, end.IsNonRetriable);
            InboxTable.Add(session, parent.ExecutionId, outcome, wakeups);
        }

        if (step.Read.Any(message => message.Event is ExecutionTerminated { Recursive: true }))
        {
            foreach (var child in InstanceTable.RunningChildren(session, execution.InstanceId))
            {
                InboxTable.Add(session, child, new ExecutionTerminated(end.Output, true), wakeups);
            }
        }
    }

    private static void ContinueAsNew(SqliteSession session, StepResult step, Continuation continuation, Wakeups wakeups)
    {
        var old = step.Execution;
        foreach (var sent in step.Events.OfType<EventSent>())
        {
            InstanceChanges.Send(session, sent.InstanceId, new EventRaised(sent.Name, sent.Payload), wakeups);
        }

        var unread = InboxTable.Read(session, old.ExecutionId).Select(message => message.Event)
            .Where(message => message is EventRaised or ExecutionTerminated or ExecutionSuspended or ExecutionResumed);
        InstanceTable.Delete(session, old.ExecutionId);
        var executionId = InstanceTable.Insert(session, new NewExecution(
            old.InstanceId,
            old.Name,
            continuation.Input,
            old.CreatedAt,
            Parent: old.Parent,
            TraceParent: old.TraceParent,
            Status: OrchestrationRuntimeStatus.Running));
        wakeups.Executions.Add(executionId);
        foreach (var message in continuation.Events.Concat(unread))
        {
            InboxTable.Add(session, executionId, message, wakeups);
        }
    }
}
