using System.Collections.Concurrent;
using Cosmo.Local.Host;
using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Durable.Storage;

/// <summary>The database of one host: many readers, one writer.</summary>
internal sealed class DurableStore : IAsyncDisposable
{
    private readonly string _path;
    private readonly Synchronous _synchronous;
    private readonly StoreLock _lock;
    private readonly CommitQueue _commits;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private volatile bool _closed;

    /// <param name="committed">Told what each commit made ready.</param>
    /// <exception cref="StartupException">Another host has the database, or it is damaged or not ours.</exception>
    public DurableStore(string path, Synchronous synchronous, Action<Wakeups> committed, TimeProvider time, ILogger logger)
    {
        _path = Path.GetFullPath(path);
        _synchronous = synchronous;
        _lock = new StoreLock(_path);
        SqliteSession? session = null;
        try
        {
            var wasCut = new FileInfo(_path + "-wal") is { Exists: true, Length: > 0 };
            session = new SqliteSession(_path, synchronous);
            Prepare(session, wasCut);
            _commits = new CommitQueue(session, committed, _path, time, logger);
        }
        catch (SqliteException error)
        {
            session?.Dispose();
            _lock.Dispose();
            throw new StartupException(DurableStoreException.Describe(error, _path), error);
        }
        catch
        {
            session?.Dispose();
            _lock.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="CommitQueue.CommitAsync"/>
    public Task<T> CommitAsync<T>(Func<SqliteSession, Wakeups, T> change) => _commits.CommitAsync(change);

    /// <inheritdoc cref="CommitQueue.CommitAsync"/>
    public Task CommitAsync(Action<SqliteSession, Wakeups> change) => _commits.CommitAsync((session, wakeups) =>
    {
        change(session, wakeups);
        return true;
    });

    /// <summary>Reads what is committed.</summary>
    /// <exception cref="DurableStoreException">The database cannot be read, or the store is closed.</exception>
    public T Read<T>(Func<SqliteSession, T> read)
    {
        if (_closed)
        {
            throw DurableStoreException.Closed();
        }

        try
        {
            var session = _readers.TryTake(out var free) ? free : new SqliteSession(_path, _synchronous);
            try
            {
                return read(session);
            }
            finally
            {
                Return(session);
            }
        }
        catch (SqliteException error)
        {
            throw DurableStoreException.From(error, _path);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _commits.DisposeAsync();
        _closed = true;
        DisposeReaders();
        _lock.Dispose();
    }

    private static void Prepare(SqliteSession session, bool wasCut)
    {
        var version = session.Find("PRAGMA user_version", row => row.Int(0));
        if (version is not 0 and not Schema.Version)
        {
            throw new StartupException($"The durable database has version {version}, this host has {Schema.Version}. Move it away, or start the host that made it.");
        }

        // After an end that nobody announced, a page may be half written. Better said now than when an answer needs it.
        if (wasCut && session.Find("PRAGMA quick_check(1)", row => row.String(0)) is { } found and not "ok")
        {
            throw new SqliteException(found, SQLitePCL.raw.SQLITE_CORRUPT);
        }

        session.ExecuteScript(Schema.Sql);
        session.Execute($"PRAGMA user_version = {Schema.Version}");
    }

    private void Return(SqliteSession session)
    {
        _readers.Add(session);
        if (_closed)
        {
            DisposeReaders();
        }
    }

    private void DisposeReaders()
    {
        while (_readers.TryTake(out var session))
        {
            session.Dispose();
        }
    }
}
