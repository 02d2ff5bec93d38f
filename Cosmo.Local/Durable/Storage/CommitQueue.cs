using System.Threading.Channels;
using DurableTask.Core.History;
using Microsoft.Data.Sqlite;

namespace Cosmo.Local.Durable.Storage;

/// <summary>
/// The only writer of the database. It takes all changes that wait and commits them together, so that a busy host pays for few commits and an idle
/// one waits for none. While the disk is full or the file is locked it keeps what waits and tries again, for a time.
/// </summary>
internal sealed class CommitQueue : IAsyncDisposable
{
    private const int MaxWaiting = 4096;
    private const int MaxPerCommit = 256;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>How long a change may wait for a disk that is full or a file that is locked.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly SqliteSession _session;
    private readonly Action<Wakeups> _committed;
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _loop;
    private Task? _disposal;

    /// <param name="session">The connection to write with; it is this queue's from now on.</param>
    /// <param name="committed">Told what each commit made ready, before anybody who waits for it.</param>
    public CommitQueue(SqliteSession session, Action<Wakeups> committed, string path, TimeProvider time, ILogger logger)
    {
        _session = session;
        _committed = committed;
        _path = path;
        _time = time;
        _logger = logger;
        _loop = Task.Run(CommitAllAsync);
    }

    /// <summary>Makes a change in a transaction and returns its result when it is committed. A change that throws leaves nothing behind.</summary>
    /// <exception cref="DurableStoreException">The database cannot be written, or the store is closed.</exception>
    public async Task<T> CommitAsync<T>(Func<SqliteSession, Wakeups, T> change)
    {
        var waiting = new Change<T>(change);
        try
        {
            await _changes.Writer.WriteAsync(waiting).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw DurableStoreException.Closed();
        }

        return await waiting.Result.ConfigureAwait(false);
    }

    /// <summary>Refuses what comes from now on, and commits what came before.</summary>
    public ValueTask DisposeAsync() => new(_disposal ??= CloseAsync());

    private async Task CloseAsync()
    {
        _changes.Writer.TryComplete();
        await _closing.CancelAsync();
        await _loop;
        _session.Dispose();
        _closing.Dispose();
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

            await CommitAsync(batch);
            batch.Clear();
        }
    }

    private async Task CommitAsync(List<Change> batch)
    {
        var waited = TimeSpan.Zero;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var error = TryCommit(batch);
            if (error is null)
            {
                if (waited > TimeSpan.Zero)
                {
                    Log.StoreWorksAgain(_logger, _path);
                }

                return;
            }

            if (error is not SqliteException { SqliteErrorCode: not SQLitePCL.raw.SQLITE_CONSTRAINT } broken)
            {
                FailOrCommitAlone(batch, error);
                return;
            }

            if (!DurableStoreException.MayPass(broken) || waited >= Patience || _closing.IsCancellationRequested)
            {
                var told = DurableStoreException.From(broken, _path);
                Log.CommitFailed(_logger, batch.Count, told.Message);
                batch.ForEach(change => change.Fail(told));
                return;
            }

            if (waited == TimeSpan.Zero)
            {
                Log.CommitWaits(_logger, DurableStoreException.Describe(broken, _path));
            }

            await Task.Delay(pause, _time, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            waited += pause;
        }
    }

    // One change of them is wrong: the others must not suffer for it.
    private void FailOrCommitAlone(List<Change> batch, Exception error)
    {
        if (batch.Count == 1)
        {
            batch[0].Fail(error);
            return;
        }

        foreach (var change in batch)
        {
            if (TryCommit([change]) is { } own)
            {
                change.Fail(own);
            }
        }
    }

    private Exception? TryCommit(List<Change> batch)
    {
        var wakeups = new Wakeups();
        try
        {
            _session.Execute("BEGIN IMMEDIATE");
            foreach (var change in batch)
            {
                change.Apply(_session, wakeups);
            }

            _session.Execute("COMMIT");
        }
        catch (Exception error)
        {
            return RollBack(error);
        }

        _committed(wakeups);
        batch.ForEach(change => change.Publish());
        return null;
    }

    private Exception RollBack(Exception error)
    {
        try
        {
            // Some errors have already done it.
            if (_session.IsInTransaction)
            {
                _session.Execute("ROLLBACK");
            }

            return error;
        }
        catch (SqliteException second)
        {
            return second;
        }
    }

    /// <summary>A change that waits to be committed, perhaps together with others.</summary>
    private abstract class Change
    {
        /// <summary>Makes the change within the current transaction. It may be called again, in another.</summary>
        public abstract void Apply(SqliteSession session, Wakeups wakeups);

        /// <summary>The transaction is committed: tells who waits.</summary>
        public abstract void Publish();

        /// <summary>The change is not committed, and will not be.</summary>
        public abstract void Fail(Exception error);
    }

    private sealed class Change<T>(Func<SqliteSession, Wakeups, T> change) : Change
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _value;

        public Task<T> Result => _result.Task;

        public override void Apply(SqliteSession session, Wakeups wakeups) => _value = change(session, wakeups);

        public override void Publish() => _result.TrySetResult(_value!);

        public override void Fail(Exception error) => _result.TrySetException(error);
    }
}

/// <summary>What a commit made ready: it is told when the commit is done, and after a crash the same is found in the tables.</summary>
internal sealed class Wakeups
{
    /// <summary>Instances that have something in their inbox.</summary>
    public List<ReadyInstance> Instances { get; } = [];

    public List<long> Activities { get; } = [];

    /// <summary>The time of the earliest timer among the new ones.</summary>
    public DateTime NextTimer { get; private set; } = DateTime.MaxValue;

    /// <summary>The ids of instances that have ended.</summary>
    public List<string> Ended { get; } = [];

    /// <summary>Messages that reach nobody.</summary>
    public List<DroppedMessage> Dropped { get; } = [];

    public void AddTimer(DateTime fireAt) => NextTimer = fireAt < NextTimer ? fireAt : NextTimer;
}

/// <summary>A row of the instances that has something in its inbox.</summary>
internal readonly record struct ReadyInstance(long Id, bool IsEntity);

/// <summary>A message whose instance is not there, has ended or is in another execution.</summary>
internal readonly record struct DroppedMessage(string InstanceId, EventType Type, string Reason);
