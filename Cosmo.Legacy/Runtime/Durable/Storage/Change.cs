using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>A change that waits to be committed, perhaps together with others.</summary>
internal abstract class Change
{
    /// <summary>Makes the change within the current transaction.</summary>
    /// <exception cref="SqliteException">The database cannot be written.</exception>
    public abstract void Apply(SqliteSession session);

    /// <summary>The transaction is committed: tells who waits.</summary>
    public abstract void Publish();

    /// <summary>The transaction is not committed, and will not be.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A change with a result. If it throws, it alone is undone; the others of its transaction stand.</summary>
internal sealed class Change<T>(Func<SqliteSession, T> change) : Change
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _error;
    private T? _value;

    public Task<T> Result => _result.Task;

    public override void Apply(SqliteSession session)
    {
        session.Execute("SAVEPOINT change");
        try
        {
            _value = change(session);
        }
        catch (Exception error) when (error is not SqliteException { SqliteErrorCode: not SQLitePCL.raw.SQLITE_CONSTRAINT })
        {
            _error = error;
            session.Execute("ROLLBACK TO change");
        }

        session.Execute("RELEASE change");
    }

    public override void Publish()
    {
        if (_error is null)
        {
            _result.SetResult(_value!);
        }
        else
        {
            _result.SetException(_error);
        }
    }

    public override void Fail(Exception error) => _result.TrySetException(new DurableStoreClosedException(error));
}
