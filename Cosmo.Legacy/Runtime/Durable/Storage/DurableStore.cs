using System.Collections.Concurrent;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>The database of one engine: many readers, one writer.</summary>
internal sealed class DurableStore : IAsyncDisposable
{
    private readonly string _path;
    private readonly StoreLock _lock;
    private readonly CommitQueue _commits;
    private readonly ConcurrentBag<SqliteSession> _readers = [];

    /// <exception cref="StartupException">Another engine has the database.</exception>
    public DurableStore(string path)
    {
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        _lock = new StoreLock(_path);
        try
        {
            var session = new SqliteSession(_path);
            session.Execute(Schema.Sql);
            _commits = new CommitQueue(session);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="CommitQueue.Completion"/>
    public Task Completion => _commits.Completion;

    /// <inheritdoc cref="CommitQueue.CommitAsync"/>
    public Task<T> CommitAsync<T>(Func<SqliteSession, T> change) => _commits.CommitAsync(change);

    /// <summary>Reads what is committed.</summary>
    public T Read<T>(Func<SqliteSession, T> read)
    {
        if (_commits.Completion.IsCompleted)
        {
            throw new DurableStoreClosedException(_commits.Completion.Exception);
        }

        var session = _readers.TryTake(out var free) ? free : new SqliteSession(_path);
        try
        {
            return read(session);
        }
        finally
        {
            Return(session);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _commits.DisposeAsync();
        while (_readers.TryTake(out var session))
        {
            session.Dispose();
        }

        _lock.Dispose();
    }

    private void Return(SqliteSession session)
    {
        if (_commits.Completion.IsCompleted)
        {
            session.Dispose();
        }
        else
        {
            _readers.Add(session);
        }
    }
}
