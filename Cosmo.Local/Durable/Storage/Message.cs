using DurableTask.Core;
using DurableTask.Core.Common;
using DurableTask.Core.History;

namespace Cosmo.Local.Durable.Storage;

/// <summary>A message to an instance, as it is stored. It is made before the transaction, which then only writes.</summary>
internal sealed record Message(string InstanceId, string? ExecutionId, EventType Type, string Text)
{
    /// <summary>When it is to arrive; null for at once.</summary>
    public DateTime? Due { get; init; }

    /// <summary>What the message starts; null for any other message than a start.</summary>
    public ExecutionStartedEvent? Start { get; init; }

    public bool IsToEntity => Entities.IsEntityInstance(InstanceId);

    public static Message From(TaskMessage message)
    {
        var instance = message.OrchestrationInstance;
        if (message.Event is TimerFiredEvent fired)
        {
            // It is made when the timer is set; it happens when it fires.
            fired.Timestamp = new DateTime(fired.FireAt.UtcTicks(), DateTimeKind.Utc);
        }

        var stored = new Message(instance.InstanceId, instance.ExecutionId, message.Event.EventType, HistoryText.Write(message.Event));
        return message.Event switch
        {
            ExecutionStartedEvent start => stored with { Start = start, Due = start.ScheduledStartTime },
            TimerFiredEvent timer => stored with { Due = timer.FireAt },
            _ => Entities.IsDelayedEntityMessage(message, out var due) ? stored with { Due = due } : stored,
        };
    }
}

/// <summary>Puts messages into the inboxes of instances, or keeps them until they are due.</summary>
internal static class Messages
{
    /// <summary>The number of an instance's start in its inbox and among its timers. It is before all others, whenever it comes.</summary>
    private const int StartNumber = 0;

    /// <summary>Starts an instance. One that exists and has ended, in a status that does not refuse it, is replaced.</summary>
    /// <returns>Null if it was started, else the status that refuses it.</returns>
    public static OrchestrationStatus? Start(
        SqliteSession session, Message message, IReadOnlyCollection<OrchestrationStatus> refusing, Wakeups wakeups)
    {
        if (Instances.Find(session, message.InstanceId) is { } existing)
        {
            if (!existing.HasEnded || refusing.Contains(existing.Status))
            {
                return existing.Status;
            }

            Instances.Delete(session, existing.Id);
        }

        var id = Instances.Insert(session, message.Start!);
        if (message.Due is { } due)
        {
            AddTimer(session, id, StartNumber, due, message);
            wakeups.AddTimer(new DateTime(due.UtcTicks(), DateTimeKind.Utc));
        }
        else
        {
            AddToInbox(session, id, StartNumber, message);
            wakeups.Instances.Add(new ReadyInstance(id, message.IsToEntity));
        }

        return null;
    }

    /// <summary>Delivers a message to an instance. It is dropped if the instance is not there, has ended, or is in another execution.</summary>
    public static void Deliver(SqliteSession session, Message message, Wakeups wakeups)
    {
        var found = Instances.Find(session, message.InstanceId);
        if (found is null && message is { IsToEntity: true, Type: EventType.EventRaised })
        {
            found = Instances.InsertEntity(session, message.InstanceId);
        }

        if (found is not { } instance)
        {
            wakeups.Dropped.Add(new DroppedMessage(message.InstanceId, message.Type, "there is no such instance"));
        }
        else if (instance.HasEnded && (message.Type != EventType.ExecutionRewound || instance.Status != OrchestrationStatus.Failed))
        {
            wakeups.Dropped.Add(new DroppedMessage(message.InstanceId, message.Type, "the instance has ended"));
        }
        else if (message.ExecutionId is not null && message.ExecutionId != instance.ExecutionId)
        {
            wakeups.Dropped.Add(new DroppedMessage(message.InstanceId, message.Type, "the instance is in another execution"));
        }
        else if (message.Due is { } due)
        {
            AddTimer(session, instance.Id, null, due, message);
            wakeups.AddTimer(new DateTime(due.UtcTicks(), DateTimeKind.Utc));
        }
        else
        {
            AddToInbox(session, instance.Id, null, message);
            wakeups.Instances.Add(new ReadyInstance(instance.Id, message.IsToEntity));
        }
    }

    /// <summary>Ends an instance that was to start later.</summary>
    /// <returns>False if it is not one.</returns>
    public static bool TerminateBeforeStart(SqliteSession session, string instanceId, string? reason, DateTime now, Wakeups wakeups)
    {
        if (Instances.Find(session, instanceId) is not { Status: OrchestrationStatus.Pending } instance
            || session.Execute("DELETE FROM timers WHERE id = ?1 AND number = ?2", instance.Id, StartNumber) == 0)
        {
            return false;
        }

        session.Execute(
            "UPDATE instances SET status = ?2, output = ?3, updated_at = ?4, completed_at = ?4 WHERE id = ?1",
            instance.Id,
            (int)OrchestrationStatus.Terminated,
            reason,
            now.Ticks);
        session.Execute("DELETE FROM inbox WHERE id = ?1", instance.Id);
        wakeups.Ended.Add(instanceId);
        return true;
    }

    /// <summary>Moves the messages whose time has come into their inboxes, as many as one commit should have.</summary>
    public static void FireDue(SqliteSession session, DateTime now, Wakeups wakeups)
    {
        var due = session.Query(
            """
            SELECT t.id, t.number, t.execution_id, t.event, i.instance_id FROM timers AS t JOIN instances AS i ON i.id = t.id
            WHERE t.fire_at <= ?1 ORDER BY t.fire_at, t.id, t.number LIMIT 500
            """,
            row => (Id: row.Long(0), Number: row.Int(1), ExecutionId: row.Text(2), Event: row.String(3), InstanceId: row.String(4)),
            now.Ticks);
        foreach (var timer in due)
        {
            var message = new Message(timer.InstanceId, timer.ExecutionId, EventType.TimerFired, timer.Event);
            session.Execute("DELETE FROM timers WHERE id = ?1 AND number = ?2", timer.Id, timer.Number);
            AddToInbox(session, timer.Id, timer.Number == StartNumber ? StartNumber : null, message);
            wakeups.Instances.Add(new ReadyInstance(timer.Id, message.IsToEntity));
        }

        if (session.Find("SELECT fire_at FROM timers ORDER BY fire_at LIMIT 1", row => new DateTime?(row.Time(0))) is { } next)
        {
            wakeups.AddTimer(next);
        }
    }

    private static void AddToInbox(SqliteSession session, long id, int? number, Message message) => session.Execute(
        """
        INSERT INTO inbox (id, number, execution_id, event)
        VALUES (?1, coalesce(?2, (SELECT max(number) FROM inbox WHERE id = ?1) + 1, 1), ?3, ?4)
        """,
        id,
        number,
        message.ExecutionId,
        message.Text);

    private static void AddTimer(SqliteSession session, long id, int? number, DateTime due, Message message) => session.Execute(
        """
        INSERT INTO timers (id, number, fire_at, execution_id, event)
        VALUES (?1, coalesce(?2, (SELECT max(number) FROM timers WHERE id = ?1) + 1, 1), ?3, ?4, ?5)
        """,
        id,
        number,
        due.UtcTicks(),
        message.ExecutionId,
        message.Text);
}
