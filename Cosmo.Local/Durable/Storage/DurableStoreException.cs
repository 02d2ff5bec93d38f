using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Cosmo.Local.Durable.Storage;

/// <summary>The durable database cannot be read or written. What was acknowledged before is in it.</summary>
internal sealed class DurableStoreException : Exception
{
    private DurableStoreException(string message, Exception? cause)
        : base(message, cause)
    {
    }

    public static DurableStoreException Closed() => new("The durable store is closed: this host is stopping.", null);

    /// <summary>Says what is wrong with the file, and what to do.</summary>
    public static DurableStoreException From(SqliteException error, string path) => new(Describe(error, path), error);

    public static string Describe(SqliteException error, string path) => error.SqliteErrorCode switch
    {
        SQLITE_FULL => $"The disk of {path} is full. Free some space; the work goes on by itself.",
        SQLITE_BUSY or SQLITE_LOCKED => $"Another program holds a lock on {path}. Close it; the work goes on by itself.",
        SQLITE_CORRUPT or SQLITE_NOTADB => $"The durable database {path} is damaged ({Said(error)}). Stop the host, move {Path.GetFileName(path)} "
            + $"and the files named {Path.GetFileName(path)}-wal and -shm out of {Path.GetDirectoryName(path)}, and start it again with an empty one.",
        SQLITE_READONLY or SQLITE_CANTOPEN or SQLITE_PERM => $"The durable database {path} cannot be written ({Said(error)}). Give this user the right to.",
        _ => $"The durable database {path} cannot be read or written ({Said(error)}).",
    };

    private static string Said(SqliteException error) => error.Message.ReplaceLineEndings(" ").TrimEnd('.');

    /// <summary>Whether waiting may help: somebody frees space, or closes a program.</summary>
    public static bool MayPass(SqliteException error) => error.SqliteErrorCode is SQLITE_FULL or SQLITE_IOERR or SQLITE_BUSY or SQLITE_LOCKED;
}
