using System.Threading.Channels;

namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>
/// The only writer of the database. It takes all changes that wait and commits them together, so that a busy engine pays for few commits and
/// an idle one waits for none.
/// </summary>
internal sealed class CommitQueue : IAsyncDisposable
{
    private const int MaxWaiting = 4096;
    private const int MaxPerCommit = 256;

    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly SqliteSession _session;

    public CommitQueue(SqliteSession session)
    {
        _session = session;
        Completion = Task.Run(CommitAllAsync);
    }

    /// <summary>Ends when the queue is closed, or with the error of a commit that failed. Nothing is written after that.</summary>
    public Task Completion { get; }

    /// <summary>Makes a change in a transaction and returns its result when it is committed. A change that throws leaves nothing behind.</summary>
    /// <exception cref="DurableStoreClosedException">The queue is closed.</exception>
    public async Task<T> CommitAsync<T>(Func<SqliteSession, T> change)
    {
        var waiting = new Change<T>(change);
        try
        {
            await _changes.Writer.WriteAsync(waiting);
        }
        catch (ChannelClosedException closed)
        {
            throw new DurableStoreClosedException(closed.InnerException);
        }

        return await waiting.Result;
    }

    /// <summary>Refuses what comes from now on, and commits what came before.</summary>
    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _session.Dispose();
    }

    private async Task CommitAllAsync()
    {
        var batch = new List<Change>(MaxPerCommit);
        while (await _changes.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxPerCommit && _changes.Reader.TryRead(out var change))
            {
                batch.Add(change);
            }

            try
            {
                Commit(batch);
            }
            catch (Exception error)
            {
                Close(batch, error);
                throw;
            }

            batch.Clear();
        }
    }

    private void Commit(List<Change> batch)
    {
        _session.Execute("BEGIN IMMEDIATE");
        try
        {
            batch.ForEach(change => change.Apply(_session));
            _session.Execute("COMMIT");
        }
        catch
        {
            _session.Execute("ROLLBACK");
            throw;
        }

        batch.ForEach(change => change.Publish());
    }

    private void Close(List<Change> batch, Exception error)
    {
        _changes.Writer.TryComplete(error);
        batch.ForEach(change => change.Fail(error));
        while (_changes.Reader.TryRead(out var change))
        {
            change.Fail(error);
        }
    }
}
