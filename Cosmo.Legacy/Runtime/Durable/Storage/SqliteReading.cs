using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>Columns that may be null, and times.</summary>
internal static class SqliteReading
{
    public static string? Text(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static long? Number(this SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    public static DateTime Time(this SqliteDataReader row, int column) => new(row.GetInt64(column), DateTimeKind.Utc);
}
