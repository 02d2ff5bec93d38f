namespace Cosmo.Local.Durable.Storage;

/// <summary>
/// The tables. A row of <c>instances</c> is an instance from its start to its end; an instance that is started anew under the same id is another
/// row, so nothing that was meant for the old one can reach it. Continuing as new keeps the row and gives it another execution id.
/// Times are UTC ticks. Events are lines of <see cref="HistoryText"/>.
/// </summary>
internal static class Schema
{
    /// <summary>Grows with every change of the tables. A database of another version is refused.</summary>
    public const int Version = 1;

    public const string Sql = """
        CREATE TABLE IF NOT EXISTS instances (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            instance_id TEXT NOT NULL UNIQUE,
            execution_id TEXT,
            name TEXT NOT NULL,
            version TEXT,
            status INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            completed_at INTEGER,
            start_at INTEGER,
            custom_status TEXT,
            parent TEXT,
            tags TEXT,
            input TEXT,
            output TEXT,
            failure TEXT
        );
        CREATE INDEX IF NOT EXISTS instances_by_status ON instances (status, created_at, id);
        CREATE INDEX IF NOT EXISTS instances_by_time ON instances (created_at, id);

        -- What happened in the current execution: a row for each step, with a line for each event.
        CREATE TABLE IF NOT EXISTS history (
            id INTEGER NOT NULL,
            step INTEGER NOT NULL,
            events TEXT NOT NULL,
            PRIMARY KEY (id, step)
        ) WITHOUT ROWID;

        -- What an instance has not yet seen, in the order of its coming. Number 0 is its start.
        CREATE TABLE IF NOT EXISTS inbox (
            id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            execution_id TEXT,
            event TEXT NOT NULL,
            PRIMARY KEY (id, number)
        ) WITHOUT ROWID;

        -- What comes into the inbox later: timers, starts at a later time, delayed signals to entities.
        CREATE TABLE IF NOT EXISTS timers (
            id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            fire_at INTEGER NOT NULL,
            execution_id TEXT,
            event TEXT NOT NULL,
            PRIMARY KEY (id, number)
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS timers_by_time ON timers (fire_at, id, number);

        -- Activities that have not ended. They outlive their instance: who asked for them may be gone when they run.
        CREATE TABLE IF NOT EXISTS activities (
            activity_id INTEGER PRIMARY KEY AUTOINCREMENT,
            instance_id TEXT NOT NULL,
            execution_id TEXT,
            event TEXT NOT NULL,
            tags TEXT
        );
        """;
}
