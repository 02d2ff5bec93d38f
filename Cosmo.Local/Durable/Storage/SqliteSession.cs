using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Durable.Storage;

/// <summary>How far a commit is kept: <see cref="Normal"/> outlives the death of the process, <see cref="Full"/> a power cut too.</summary>
internal enum Synchronous
{
    /// <summary>The system has the commit, the disk perhaps not yet. A power cut may take the last commits; what is left is whole.</summary>
    Normal,

    /// <summary>Each commit waits for the disk.</summary>
    Full,
}

/// <summary>One connection with its prepared statements. Not for two threads at once.</summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    /// <exception cref="SqliteException">The file cannot be opened, or is no database.</exception>
    public SqliteSession(string path, Synchronous synchronous)
    {
        // Who finds the file locked does not block its thread for long; waiting is the commit queue's business.
        var settings = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 };
        _connection = new SqliteConnection(settings.ConnectionString);
        try
        {
            _connection.Open();
            Execute("PRAGMA journal_mode = WAL");
            Execute(synchronous == Synchronous.Full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public bool IsInTransaction => SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0;

    /// <summary>Runs a statement; its parameters are called $1, $2 and so on.</summary>
    /// <returns>The number of rows that it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object?> values) => Prepare(sql, values).ExecuteNonQuery();

    /// <summary>Runs a statement that inserts a row.</summary>
    /// <returns>The id of the row.</returns>
    public long Insert(string sql, params ReadOnlySpan<object?> values)
    {
        Execute(sql, values);
        return SQLitePCL.raw.sqlite3_last_insert_rowid(_connection.Handle);
    }

    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<object?> values)
    {
        using var reader = Prepare(sql, values).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    /// <summary>The first row, or the default value if there is none.</summary>
    public T? Find<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<object?> values)
    {
        using var reader = Prepare(sql, values).ExecuteReader();
        return reader.Read() ? map(reader) : default;
    }

    public void Dispose()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    private SqliteCommand Prepare(string sql, ReadOnlySpan<object?> values)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = _connection.CreateCommand();
#pragma warning disable CA2100 // Every statement is put together from constants of this folder.
            command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 1; i <= values.Length; i++)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
            }

            _commands.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return command;
    }
}

/// <summary>Columns that may be null, and times.</summary>
internal static class SqliteReading
{
    public static string? Text(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static long? Number(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static DateTime Time(this SqliteDataReader row, int column) => new(row.GetInt64(column), DateTimeKind.Utc);

    /// <summary>A time that does not say what zone it is in is UTC.</summary>
    public static long UtcTicks(this DateTime time) => time.Kind == DateTimeKind.Local ? time.ToUniversalTime().Ticks : time.Ticks;
}
