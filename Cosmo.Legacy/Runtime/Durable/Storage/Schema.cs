namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>
/// The tables. An execution is one run of an instance: starting an ended instance again, or continuing as new, makes another, and what
/// belonged to the one before goes with its row. So nothing that comes late from an old run can reach a new one.
/// Times are UTC ticks, events are JSON.
/// </summary>
internal static class Schema
{
    public const string Sql = """
        CREATE TABLE IF NOT EXISTS instances (
            execution_id INTEGER PRIMARY KEY AUTOINCREMENT,
            instance_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            status INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            start_at INTEGER,
            input TEXT,
            output TEXT,
            custom_status TEXT,
            failure TEXT,
            parent_execution_id INTEGER,
            parent_task_id INTEGER,
            parent_instance_id TEXT,
            parent_name TEXT,
            trace_parent TEXT
        );
        CREATE INDEX IF NOT EXISTS instances_by_parent ON instances (parent_instance_id) WHERE parent_instance_id IS NOT NULL;
        CREATE INDEX IF NOT EXISTS instances_by_status ON instances (status);

        CREATE TABLE IF NOT EXISTS history (
            execution_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            event TEXT NOT NULL,
            PRIMARY KEY (execution_id, sequence)
        ) WITHOUT ROWID;

        -- What an execution has not yet seen.
        CREATE TABLE IF NOT EXISTS inbox (
            message_id INTEGER PRIMARY KEY AUTOINCREMENT,
            execution_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
            event TEXT NOT NULL
        );
        CREATE INDEX IF NOT EXISTS inbox_by_execution ON inbox (execution_id);

        -- Timers that have not fired and are not cancelled.
        CREATE TABLE IF NOT EXISTS timers (
            execution_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
            task_id INTEGER NOT NULL,
            fire_at INTEGER NOT NULL,
            PRIMARY KEY (execution_id, task_id)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS timers_by_time ON timers (fire_at);

        -- Activities that have not finished; the event of the history says which, and with what input.
        CREATE TABLE IF NOT EXISTS activities (
            activity_id INTEGER PRIMARY KEY AUTOINCREMENT,
            execution_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
            sequence INTEGER NOT NULL
        );
        CREATE INDEX IF NOT EXISTS activities_by_execution ON activities (execution_id);
        """;
}
