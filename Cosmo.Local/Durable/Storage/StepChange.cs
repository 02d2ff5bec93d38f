using DurableTask.Core;
using DurableTask.Core.History;

namespace Cosmo.Local.Durable.Storage;

/// <summary>
/// The end of a step of an instance: what it has seen goes from its inbox into its history, and what it asked for becomes ready. Everything is turned
/// into text when this is made, so that the transaction only writes.
/// </summary>
internal sealed class StepChange
{
    private readonly LockedInstance _locked;
    private readonly OrchestrationState _state;
    private readonly bool _isNewExecution;
    private readonly IList<HistoryEvent> _history;
    private readonly string _events;
    private readonly string? _tags;
    private readonly string? _failure;
    private readonly List<(Message Message, string? Tags)> _activities;
    private readonly List<Message> _timers;
    private readonly List<Message> _messages;

    /// <param name="locked">The instance as it was when its step began.</param>
    /// <param name="runtime">Its history after the step.</param>
    /// <param name="activities">Activities to run.</param>
    /// <param name="messages">Messages to instances, itself among them, and starts of sub-orchestrations.</param>
    /// <param name="timers">Its new timers.</param>
    /// <param name="state">How it stands now.</param>
    public StepChange(
        LockedInstance locked,
        OrchestrationRuntimeState runtime,
        IEnumerable<TaskMessage> activities,
        IEnumerable<TaskMessage> messages,
        IEnumerable<TaskMessage> timers,
        OrchestrationState state)
    {
        _locked = locked;
        _state = state;
        _isNewExecution = locked.Steps == 0 || state.OrchestrationInstance.ExecutionId != locked.ExecutionId;
        _history = runtime.Events;
        _events = HistoryText.Write(_isNewExecution ? runtime.Events : runtime.NewEvents);
        _tags = HistoryText.WriteValue(state.Tags);
        _failure = HistoryText.WriteValue(state.FailureDetails);
        _activities = [.. activities.Select(activity => (Message.From(activity), HistoryText.WriteValue(activity.OrchestrationExecutionContext?.OrchestrationTags)))];
        _messages = [.. messages.Select(Message.From)];

        // A step may go through several executions. The timers of those that are over fire for nobody.
        _timers = HasEnded ? [] : [.. timers.Select(Message.From).Where(timer => timer.ExecutionId == state.OrchestrationInstance.ExecutionId)];
    }

    /// <summary>The instance as the step leaves it; null if it has ended.</summary>
    public LiveInstance? Next => HasEnded ? null : new LiveInstance(
        _locked with
        {
            ExecutionId = _state.OrchestrationInstance.ExecutionId,
            Steps = _isNewExecution ? 1 : _locked.Steps + 1,
            HistoryLength = _events.Length + (_isNewExecution ? 0 : _locked.HistoryLength),
        },
        _history);

    private bool HasEnded => Instances.Ended.Contains(_state.OrchestrationStatus);

    /// <returns>False if the instance is not there any more.</returns>
    public bool Apply(SqliteSession session, Wakeups wakeups)
    {
        if (!WriteState(session))
        {
            return false;
        }

        WriteHistory(session);
        ClearSeen(session);
        foreach (var (activity, tags) in _activities)
        {
            wakeups.Activities.Add(Activities.Insert(session, activity, tags));
        }

        foreach (var message in _timers.Concat(_messages))
        {
            Send(session, message, wakeups);
        }

        if (HasEnded)
        {
            wakeups.Ended.Add(_locked.InstanceId);
        }

        return true;
    }

    private bool WriteState(SqliteSession session) => session.Execute(
        """
        UPDATE instances SET execution_id = ?3, name = ?4, version = ?5, status = ?6, created_at = ?7, updated_at = ?8, completed_at = ?9,
            custom_status = ?10, tags = ?11, input = ?12, output = ?13, failure = ?14
        WHERE id = ?1 AND execution_id IS ?2
        """,
        _locked.Id,
        _locked.ExecutionId,
        _state.OrchestrationInstance.ExecutionId,
        _state.Name,
        _state.Version,
        (int)_state.OrchestrationStatus,
        _state.CreatedTime.UtcTicks(),
        _state.LastUpdatedTime.UtcTicks(),
        HasEnded ? _state.CompletedTime.UtcTicks() : null,
        _state.Status,
        _tags,
        _state.Input,
        _state.Output,
        _failure) == 1;

    private void WriteHistory(SqliteSession session)
    {
        if (_isNewExecution && _locked.Steps > 0)
        {
            session.Execute("DELETE FROM history WHERE id = ?1", _locked.Id);
        }

        session.Execute("INSERT INTO history (id, step, events) VALUES (?1, ?2, ?3)", _locked.Id, _isNewExecution ? 0 : _locked.Steps, _events);
    }

    private void ClearSeen(SqliteSession session)
    {
        if (HasEnded)
        {
            session.Execute("DELETE FROM inbox WHERE id = ?1", _locked.Id);
            session.Execute("DELETE FROM timers WHERE id = ?1", _locked.Id);
            return;
        }

        session.Execute("DELETE FROM inbox WHERE id = ?1 AND number <= ?2", _locked.Id, _locked.LastNumber);
        if (_isNewExecution && _locked.Steps > 0)
        {
            session.Execute("DELETE FROM inbox WHERE id = ?1 AND execution_id IS NOT NULL", _locked.Id);
            session.Execute("DELETE FROM timers WHERE id = ?1 AND execution_id IS NOT NULL", _locked.Id);
        }
    }

    private void Send(SqliteSession session, Message message, Wakeups wakeups)
    {
        if (message.Start is not { } start)
        {
            Messages.Deliver(session, message, wakeups);
            return;
        }

        if (Messages.Start(session, message, [], wakeups) is not { } refusing)
        {
            return;
        }

        // The parent would wait for ever for a child that is somebody else's.
        var reason = $"An instance with the id '{message.InstanceId}' already exists and is {refusing}.";
        if (HasEnded || start.ParentInstance is not { } parent || start.Tags?.ContainsKey(OrchestrationTags.FireAndForget) == true)
        {
            wakeups.Dropped.Add(new DroppedMessage(message.InstanceId, message.Type, reason));
            return;
        }

        var failure = new FailureDetails("DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException", reason, null, null, isNonRetriable: true);
        Messages.Deliver(
            session,
            Message.From(new TaskMessage
            {
                OrchestrationInstance = parent.OrchestrationInstance,
                Event = new SubOrchestrationInstanceFailedEvent(-1, parent.TaskScheduleId, reason, null, failure),
            }),
            wakeups);
    }
}

/// <summary>An instance as it is when a step of it begins.</summary>
internal sealed record LockedInstance(long Id, string InstanceId, string? ExecutionId)
{
    /// <summary>Rows of its history.</summary>
    public int Steps { get; init; }

    /// <summary>The characters of its history.</summary>
    public int HistoryLength { get; init; }

    /// <summary>The number of the last message that the step takes from its inbox.</summary>
    public int LastNumber { get; init; }
}

/// <summary>An instance between two steps.</summary>
internal sealed record LiveInstance(LockedInstance Locked, IList<HistoryEvent> History);
