using DurableTask.Core;
using DurableTask.Core.Common;
using DurableTask.Core.History;

namespace Cosmo.Local.Durable.Storage;

/// <summary>What came for instances and was not yet seen by them.</summary>
internal static class Inbox
{
    /// <summary>The most that a step takes from an inbox.</summary>
    private const int MostMessages = 1000;

    // The limit is no parameter: SQLite would plan the statement anew each time.
    private static readonly string Messages = $"SELECT number, execution_id, event FROM inbox WHERE id = ?1 ORDER BY number LIMIT {MostMessages}";

    /// <summary>Takes an instance up for a step. Nothing is written: the caller knows what is taken.</summary>
    /// <param name="live">The instance as its last step left it, if that is still in memory.</param>
    /// <returns>Null if there is nothing to do for it.</returns>
    public static InstanceWorkItem? Lock(SqliteSession session, long id, LiveInstance? live, ReadyQueue queue)
    {
        var inbox = session.Query(
            Messages, row => (Number: row.Int(0), ExecutionId: row.Text(1), Event: row.String(2)), id);
        if (inbox.Count == 0 || (live ?? Read(session, id)) is not { } instance)
        {
            return null;
        }

        var instanceId = instance.Locked.InstanceId;
        var messages = inbox.ConvertAll(message => new TaskMessage
        {
            SequenceNumber = message.Number,
            OrchestrationInstance = new OrchestrationInstance { InstanceId = instanceId, ExecutionId = message.ExecutionId },
            Event = HistoryText.ReadOne(message.Event),
        });

        // What comes for an instance that is to start later waits for its start. An entity starts with what comes.
        if (instance.History.Count == 0 && messages[0].Event is not ExecutionStartedEvent && !Entities.AutoStart(instanceId, messages))
        {
            return null;
        }

        return new InstanceWorkItem(instance.Locked with { LastNumber = inbox[^1].Number }, queue)
        {
            HasMore = inbox.Count == MostMessages,
            NewMessages = messages,
            OrchestrationRuntimeState = new OrchestrationRuntimeState(instance.History),
        };
    }

    public static void Remove(SqliteSession session, long id, int lastNumber)
        => session.Execute("DELETE FROM inbox WHERE id = ?1 AND number <= ?2", id, lastNumber);

    /// <summary>The instances that have something in their inbox.</summary>
    public static List<ReadyInstance> Waiting(SqliteSession session) => session.Query(
        "SELECT DISTINCT x.id, i.instance_id LIKE '@%' FROM inbox AS x JOIN instances AS i ON i.id = x.id ORDER BY x.id",
        row => new ReadyInstance(row.Long(0), row.Long(1) != 0));

    private static LiveInstance? Read(SqliteSession session, long id)
    {
        if (session.Find("SELECT instance_id, execution_id FROM instances WHERE id = ?1", row => new LockedInstance(id, row.String(0), row.Text(1)), id)
            is not { } instance)
        {
            return null;
        }

        var steps = Instances.History(session, id);
        return new LiveInstance(
            instance with { Steps = steps.Count, HistoryLength = steps.Sum(step => step.Length) },
            [.. steps.SelectMany(HistoryText.Read)]);
    }
}
