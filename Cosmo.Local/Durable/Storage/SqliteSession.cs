using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Cosmo.Local.Durable.Storage;

/// <summary>How far a commit is kept: <see cref="Normal"/> outlives the death of the process, <see cref="Full"/> a power cut too.</summary>
internal enum Synchronous
{
    /// <summary>The system has the commit, the disk perhaps not yet. A power cut may take the last commits; what is left is whole.</summary>
    Normal,

    /// <summary>Each commit waits for the disk.</summary>
    Full,
}

/// <summary>
/// One connection with its prepared statements, on SQLite's own functions: ADO.NET would cost as much as most of the statements do. Not for two
/// threads at once.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>Who finds the file locked does not block its thread for long; waiting is the commit queue's business.</summary>
    private const int BusyMilliseconds = 1000;

    private readonly sqlite3 _database;
    private readonly Dictionary<string, sqlite3_stmt> _statements = new(StringComparer.Ordinal);

    static SqliteSession() => Batteries_V2.Init();

    /// <exception cref="SqliteException">The file cannot be opened, or is no database.</exception>
    public SqliteSession(string path, Synchronous synchronous)
    {
        var opened = sqlite3_open_v2(path, out _database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, null);
        try
        {
            Check(opened);
            Check(sqlite3_busy_timeout(_database, BusyMilliseconds));
            Execute("PRAGMA journal_mode = WAL");
            Execute(synchronous == Synchronous.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");

            // A log that once had to be long does not stay so.
            Execute("PRAGMA journal_size_limit = 16777216");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public bool IsInTransaction => sqlite3_get_autocommit(_database) == 0;

    /// <summary>Runs a statement; its parameters are called ?1, ?2 and so on.</summary>
    /// <returns>The number of rows that it changed.</returns>
    /// <exception cref="SqliteException">It cannot be carried out.</exception>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        var statement = Bind(sql, values);
        while (Step(statement))
        {
        }

        return sqlite3_changes(_database);
    }

    /// <summary>Runs a statement that inserts a row.</summary>
    /// <returns>The id of the row.</returns>
    public long Insert(string sql, params ReadOnlySpan<object?> values)
    {
        Execute(sql, values);
        return sqlite3_last_insert_rowid(_database);
    }

    public List<T> Query<T>(string sql, Func<SqliteRow, T> map, params ReadOnlySpan<object?> values)
    {
        var statement = Bind(sql, values);
        var rows = new List<T>();
        try
        {
            while (Step(statement))
            {
                rows.Add(map(new SqliteRow(statement)));
            }
        }
        finally
        {
            // It ends the read transaction, which else would keep the log from being taken up.
            _ = sqlite3_reset(statement);
        }

        return rows;
    }

    /// <summary>The first row, or the default value if there is none.</summary>
    public T? Find<T>(string sql, Func<SqliteRow, T> map, params ReadOnlySpan<object?> values)
    {
        var statement = Bind(sql, values);
        try
        {
            return Step(statement) ? map(new SqliteRow(statement)) : default;
        }
        finally
        {
            _ = sqlite3_reset(statement);
        }
    }

    /// <summary>Runs statements that have no parameters and no results.</summary>
    public void ExecuteScript(string sql) => Check(sqlite3_exec(_database, sql));

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _database.Dispose();
    }

    private sqlite3_stmt Bind(string sql, ReadOnlySpan<object?> values)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            Check(sqlite3_prepare_v3(_database, sql, SQLITE_PREPARE_PERSISTENT, out statement));
            _statements.Add(sql, statement);
        }

        for (var i = 0; i < values.Length; i++)
        {
            Check(values[i] switch
            {
                null => sqlite3_bind_null(statement, i + 1),
                string text => sqlite3_bind_text(statement, i + 1, text),
                long number => sqlite3_bind_int64(statement, i + 1, number),
                int number => sqlite3_bind_int64(statement, i + 1, number),
                var other => throw new ArgumentException($"No column holds a {other.GetType()}.", nameof(values)),
            });
        }

        return statement;
    }

    /// <returns>Whether there is a row. If not, the statement is ready for its next run.</returns>
    private bool Step(sqlite3_stmt statement)
    {
        var result = sqlite3_step(statement);
        if (result == SQLITE_ROW)
        {
            return true;
        }

        // What went wrong in the step, the reset says again.
        var error = result == SQLITE_DONE ? SQLITE_OK : result;
        var message = error == SQLITE_OK ? null : sqlite3_errmsg(_database).utf8_to_string();
        _ = sqlite3_reset(statement);
        return error == SQLITE_OK ? false : throw new SqliteException(message, error & 0xFF, error);
    }

    private void Check(int result)
    {
        if (result != SQLITE_OK)
        {
            throw new SqliteException(sqlite3_errmsg(_database).utf8_to_string(), result & 0xFF, result);
        }
    }
}

/// <summary>A row that a statement has just found. It is there until the next one is.</summary>
internal readonly struct SqliteRow(sqlite3_stmt statement)
{
    public bool IsNull(int column) => sqlite3_column_type(statement, column) == SQLITE_NULL;

    public long Long(int column) => sqlite3_column_int64(statement, column);

    public int Int(int column) => sqlite3_column_int(statement, column);

    public string String(int column) => sqlite3_column_text(statement, column).utf8_to_string();

    public string? Text(int column) => IsNull(column) ? null : String(column);

    public DateTime Time(int column) => new(Long(column), DateTimeKind.Utc);
}

internal static class UtcTime
{
    /// <summary>A time that does not say what zone it is in is UTC.</summary>
    public static long UtcTicks(this DateTime time) => time.Kind == DateTimeKind.Local ? time.ToUniversalTime().Ticks : time.Ticks;
}
