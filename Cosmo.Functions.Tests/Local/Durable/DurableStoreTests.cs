using System.Runtime.CompilerServices;
using Cosmo.Local.Durable.Storage;
using Cosmo.Local.Host;
using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class DurableStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-store-");
    private readonly ManualTimeProvider _time = new();
    private readonly RecordedLogs _logs = new();

    private string DatabasePath => Path.Combine(_folder.FullName, "new", "durable.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_change_that_throws_is_undone_alone()
    {
        var told = new List<string>();
        await using var store = Open(wakeups => told.AddRange(wakeups.Ended));

        var changes = Enumerable.Range(0, 10).Select(i => store.CommitAsync((session, wakeups) =>
        {
            var key = Instances.InsertEntity(session, $"instance-{i}");
            wakeups.Ended.Add($"{i}");
            return i == 5 ? throw new InvalidDataException("five") : key;
        })).ToList();

        await Should.ThrowAsync<InvalidDataException>(changes[5]);
        changes.RemoveAt(5);
        await Task.WhenAll(changes);
        Count(store).ShouldBe(9);
        store.Read(session => Instances.Find(session, "instance-5")).ShouldBeNull();
        told.ShouldBe(["0", "1", "2", "3", "4", "6", "7", "8", "9"]);
    }

    [Fact]
    public async Task An_instance_goes_with_all_that_belongs_to_it_and_nothing_of_others()
    {
        await using var store = Open();

        await store.CommitAsync((session, _) =>
        {
            long[] ids = [.. new[] { "gone", "other" }.Select(name => Instances.InsertEntity(session, name).Id)];
            foreach (var id in ids)
            {
                session.Execute("INSERT INTO history (id, step, events) VALUES (?1, 1, '[]')", id);
                session.Execute("INSERT INTO inbox (id, number, event) VALUES (?1, 1, '{}')", id);
                session.Execute("INSERT INTO timers (id, number, fire_at, event) VALUES (?1, 1, 1, '{}')", id);
            }

            Instances.Delete(session, ids[0]);
            return ids.Length;
        });

        foreach (var table in (string[])["instances", "history", "inbox", "timers"])
        {
            store.Read(session => session.Find($"SELECT count(*) FROM {table}", row => row.Int(0))).ShouldBe(1, table);
        }
    }

    [Fact]
    public async Task A_file_says_which_version_made_it()
    {
        await using var store = Open();

        store.Read(session => session.Find("PRAGMA user_version", row => row.Int(0))).ShouldBe(Schema.Version);
    }

    [Fact]
    public async Task Who_waits_for_a_commit_is_told_after_what_it_made_ready()
    {
        var published = new List<string>();
        await using var store = Open(wakeups => published.AddRange(wakeups.Ended));

        await store.CommitAsync((_, wakeups) => wakeups.Ended.Add("one"));

        published.ShouldBe(["one"]);
    }

    [Fact]
    public async Task Who_waits_for_a_commit_that_is_refused_at_its_end_is_told_so()
    {
        await using var store = Open();

        var change = store.CommitAsync((session, _) =>
        {
            raw.sqlite3_commit_hook(DatabaseOf(session), _ => 1, null);
            return Instances.InsertEntity(session, "refused");
        });

        await Should.ThrowAsync<SqliteException>(change);
        store.Read(session => Instances.Find(session, "refused")).ShouldBeNull();
    }

    [Fact]
    public async Task What_was_handed_in_before_the_end_is_committed_and_what_comes_after_it_is_refused()
    {
        Task last;
        var store = Open();
        await using (store)
        {
            last = store.CommitAsync((session, _) => Instances.InsertEntity(session, "last"));
        }

        await last;
        (await Should.ThrowAsync<DurableStoreException>(() => store.CommitAsync((_, _) => 1))).Message.ShouldContain("is closed");
        Should.Throw<DurableStoreException>(() => store.Read(_ => 1));
        await using var again = Open();
        again.Read(session => Instances.Find(session, "last")).ShouldNotBeNull();
    }

    [Fact]
    public async Task After_the_end_all_is_in_one_file_also_of_what_was_read_until_then_and_a_second_end_is_none()
    {
        var store = Open();
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "one"));
        Count(store).ShouldBe(1);
        var end = store.Read(session =>
        {
            var closing = store.DisposeAsync().AsTask();
            return closing.Wait(TestHub.Patience, TestContext.Current.CancellationToken) ? Instances.Find(session, "one") : null;
        });

        end.ShouldNotBeNull();
        await store.DisposeAsync();
        Files().ShouldBe(["durable.db", "durable.db.lock"]);
        _logs.Text.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(Synchronous.Normal, 1)]
    [InlineData(Synchronous.Full, 2)]
    public async Task Each_connection_waits_for_the_disk_as_it_is_told_and_for_a_lock_a_second_and_keeps_no_long_log(object synchronous, int expected)
    {
        await using var store = Open(synchronous: (Synchronous)synchronous);

        var written = await store.CommitAsync((session, _) => Settings(session));
        var read = store.Read(Settings);

        read.ShouldBe(written);
        written.ShouldBe((expected, 1000, 16 * 1024 * 1024));

        static (int Synchronous, int Busy, int Log) Settings(SqliteSession session) => (Of(session, "synchronous"), Of(session, "busy_timeout"), Of(session, "journal_size_limit"));
        static int Of(SqliteSession session, string name) => session.Find($"PRAGMA {name}", row => row.Int(0));
    }

    [Fact]
    public async Task A_statement_that_failed_works_the_next_time()
    {
        await using var store = Open();
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "one"));

        (await Should.ThrowAsync<SqliteException>(() => store.CommitAsync((session, _) => Instances.InsertEntity(session, "one")))).Message.ShouldContain("UNIQUE");
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "two"));
        Should.Throw<InvalidDataException>(() => store.Read(session => session.Query<int>("SELECT id FROM instances", _ => throw new InvalidDataException())));
        Should.Throw<InvalidDataException>(() => store.Read(session => session.Find<int>("SELECT id FROM instances", _ => throw new InvalidDataException())));
        Should.Throw<ArgumentException>(() => store.Read(session => session.Execute("SELECT ?1", 1.5))).Message.ShouldContain("System.Double");

        store.Read(session => session.Query("SELECT id FROM instances", row => row.Int(0))).Count.ShouldBe(2);
    }

    [Fact]
    public async Task What_cannot_be_read_is_told_with_the_file()
    {
        await using var store = Open();

        Should.Throw<DurableStoreException>(() => store.Read(session => session.Execute("SELECT * FROM nowhere"))).Message
            .ShouldBe($"The durable database {DatabasePath} cannot be read or written (no such table: nowhere).");
    }

    [Fact]
    public async Task The_pauses_between_tries_grow_and_one_line_says_that_work_waits_until_it_is_given_up()
    {
        await using var store = Open();
        await FillAsync(store);
        var change = store.CommitAsync((session, _) => InsertLarge(session, "late"));

        foreach (var seconds in (double[])[0.1, 0.2, 0.4, 0.8, 1.6, .. Enumerable.Repeat(2.0, 14)])
        {
            await _time.TimerSetForAsync(TimeSpan.FromSeconds(seconds)).WaitAsync(TestHub.Patience);
            change.IsCompleted.ShouldBeFalse();
            _time.Advance(TimeSpan.FromSeconds(seconds));
        }

        await Should.ThrowAsync<DurableStoreException>(() => change.WaitAsync(TestHub.Patience));
        _logs.Text.Split('\n').Select(line => line[..line.IndexOf("The disk", StringComparison.Ordinal)]).ShouldBe(["Error 851 ", "Error 853 1 changes were given up: "]);
    }

    [Fact]
    public async Task Who_waits_for_a_full_disk_is_told_at_once_when_the_store_is_closed()
    {
        var store = Open();
        await FillAsync(store);
        var change = store.CommitAsync((session, _) => InsertLarge(session, "late"));
        await _time.TimersSetAsync();

        await store.DisposeAsync().AsTask().WaitAsync(TestHub.Patience);

        (await Should.ThrowAsync<DurableStoreException>(change)).Message.ShouldContain("is full");
    }

    [Fact]
    public async Task Work_waits_for_a_full_disk_and_goes_on_when_there_is_space()
    {
        await using var store = Open();
        await FillAsync(store);

        var waiting = Enumerable.Range(0, 3).Select(i => store.CommitAsync((session, _) => InsertLarge(session, $"late-{i}"))).ToList();
        await _logs.WaitForAsync($"The disk of {DatabasePath} is full. Free some space; the work goes on by itself.", TestContext.Current.CancellationToken);
        waiting.ShouldAllBe(change => !change.IsCompleted);

        // What brings space would wait behind them, so it is done on a connection that reads.
        FreeSpace(store);
        await AdvanceUntilAsync(Task.WhenAll(waiting));

        Count(store).ShouldBe(3);
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "next"));
        _logs.Text.Split('\n').Count(line => line.Contains("can be written again")).ShouldBe(1);
    }

    [Fact]
    public async Task Who_waits_too_long_for_a_full_disk_is_told_and_nothing_that_was_acknowledged_is_lost()
    {
        await using var store = Open();
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "acknowledged"));
        await FillAsync(store);

        var change = store.CommitAsync((session, _) => InsertLarge(session, "late"));
        await AdvanceUntilAsync(Task.WhenAny(change));

        (await Should.ThrowAsync<DurableStoreException>(change)).Message.ShouldBe($"The disk of {DatabasePath} is full. Free some space; the work goes on by itself.");
        store.Read(session => Instances.Find(session, "acknowledged")).ShouldNotBeNull();
        FreeSpace(store);
        await AdvanceUntilAsync(store.CommitAsync((session, _) => InsertLarge(session, "next")));
    }

    [Fact]
    public async Task Work_waits_for_a_file_that_somebody_else_has_locked()
    {
        await using var store = Open();
        await using var other = new SqliteConnection($"Data Source={DatabasePath};Pooling=False");
        await other.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = other.BeginTransaction();

        var change = store.CommitAsync((session, _) => Instances.InsertEntity(session, "late"));
        await _logs.WaitForAsync($"Another program holds a lock on {DatabasePath}", TestContext.Current.CancellationToken);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await AdvanceUntilAsync(change);

        store.Read(session => Instances.Find(session, "late")).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5000)]
    [InlineData(100_000)]
    public async Task A_file_whose_last_write_is_torn_opens_with_what_was_before_it(int missing)
    {
        var image = await ImageAsync(50);
        await using (var log = new FileStream(image + "-wal", FileMode.Open))
        {
            log.SetLength(Math.Max(0, log.Length - missing));
        }

        await using var store = Open(path: image);

        Count(store).ShouldBeInRange(0, 50);
        await store.CommitAsync((session, _) => Instances.InsertEntity(session, "next"));
    }

    [Fact]
    public async Task A_log_with_a_page_that_is_half_old_opens_with_what_was_before_it()
    {
        var image = await ImageAsync(50);
        await using (var log = new FileStream(image + "-wal", FileMode.Open))
        {
            log.Position = log.Length - 2000;
            log.Write(new byte[1500]);
        }

        await using var store = Open(path: image);

        Count(store).ShouldBeInRange(1, 49);
    }

    [Fact]
    public async Task A_damaged_file_is_told_in_a_sentence_with_what_to_do()
    {
        await using (var store = Open())
        {
            await store.CommitAsync((session, _) => Enumerable.Range(0, 500).Select(i => Instances.InsertEntity(session, $"{i}")).Count());
        }

        // The file as it is after a power cut: with its log, and a page that is rubbish.
        await File.WriteAllBytesAsync(DatabasePath + "-wal", [1], TestContext.Current.CancellationToken);
        await using (var file = new FileStream(DatabasePath, FileMode.Open))
        {
            file.Position = 8192;
            file.Write(Enumerable.Repeat((byte)0xAB, 4096).ToArray());
        }

        Should.Throw<StartupException>(() => Open()).Message.ShouldMatch(
            $"^The durable database .*durable.db is damaged (.*). Stop the host, move durable.db and the files named durable.db-wal and -shm out of {Path.GetDirectoryName(DatabasePath)}, and start it again with an empty one.$");

        foreach (var file in Files().Where(file => file != "durable.db.lock"))
        {
            File.Delete(Path.Combine(Path.GetDirectoryName(DatabasePath)!, file));
        }

        await using var empty = Open();
        Count(empty).ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_an_orderly_end_the_start_does_not_read_all_of_the_file(bool hasEmptyLog)
    {
        await using (var store = Open())
        {
            await store.CommitAsync((session, _) => Enumerable.Range(0, 500).Select(i => Instances.InsertEntity(session, $"{i}")).Count());
        }

        await using (var file = new FileStream(DatabasePath, FileMode.Open))
        {
            file.Position = 8192;
            file.Write(Enumerable.Repeat((byte)0xAB, 4096).ToArray());
        }

        await (hasEmptyLog ? File.WriteAllBytesAsync(DatabasePath + "-wal", [], TestContext.Current.CancellationToken) : Task.CompletedTask);

        await using var again = Open();
        again.Read(session => session.Find("PRAGMA quick_check(1)", row => row.String(0))).ShouldNotBe("ok");
    }

    [Fact]
    public void A_file_that_is_no_database_is_told_in_a_sentence()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(DatabasePath)!);
        File.WriteAllText(DatabasePath, "This is a letter, and it is long enough to be looked at as a header of a database.");

        Should.Throw<StartupException>(() => Open()).Message.ShouldContain("is damaged");
    }

    [Fact]
    public void A_database_is_one_hosts_for_as_long_as_that_has_it()
    {
        var first = new StoreLock(DatabasePath);

        Should.Throw<StartupException>(() => new StoreLock(DatabasePath)).Message.ShouldBe(
            $"The durable database {DatabasePath} is in use by another host. Stop it, or give this one its own folder with --data.");

        first.Dispose();
        new StoreLock(DatabasePath).Dispose();
    }

    [Fact]
    public void A_database_that_cannot_be_written_is_said_to_be_that_and_not_in_use()
    {
        Directory.CreateDirectory(DatabasePath + ".lock");

        Should.Throw<StartupException>(() => new StoreLock(DatabasePath)).Message.ShouldStartWith($"The durable database {DatabasePath} cannot be written (");
    }

    [Fact]
    public async Task An_activity_keeps_its_tags_until_it_is_finished_which_counts_once()
    {
        await using var store = Open();
        var scheduled = new TaskMessage { OrchestrationInstance = new() { InstanceId = "one", ExecutionId = "first" }, Event = new TaskScheduledEvent(0) { Name = "Work" } };
        var end = Message.From(new TaskMessage { OrchestrationInstance = new() { InstanceId = "@entity@one" }, Event = new EventRaisedEvent(-1, "{}") { Name = "op" } });
        var (tagged, plain) = (0L, 0L);
        await store.CommitAsync((session, _) =>
        {
            tagged = Activities.Insert(session, Message.From(scheduled), """{"of":"test"}""");
            plain = Activities.Insert(session, Message.From(scheduled), null);
            return 0;
        });

        var found = store.Read(session => Activities.Find(session, tagged))!;
        (found.OrchestrationInstance.InstanceId, found.OrchestrationInstance.ExecutionId, found.OrchestrationExecutionContext!.OrchestrationTags["of"]).ShouldBe(("one", "first", "test"));
        store.Read(session => Activities.Find(session, plain))!.OrchestrationExecutionContext.ShouldBeNull();
        store.Read(Activities.All).ShouldBe([tagged, plain]);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            await store.CommitAsync((session, wakeups) =>
            {
                Activities.Finish(session, tagged, end, wakeups);
                return 0;
            });
            store.Read(session => session.Find("SELECT count(*) FROM inbox", row => row.Int(0))).ShouldBe(1);
        }

        store.Read(Activities.All).ShouldBe([plain]);
    }

    [Fact]
    public async Task A_file_of_another_version_is_refused()
    {
        await using (var store = Open())
        {
            store.Read(session => session.Execute("PRAGMA user_version = 77"));
        }

        Should.Throw<StartupException>(() => Open()).Message.ShouldContain("has version 77");

        // Nothing of it is held: whoever made it opens it.
        Files().ShouldBe(["durable.db", "durable.db.lock"]);
        new StoreLock(DatabasePath).Dispose();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_database")]
    private static extern ref sqlite3 DatabaseOf(SqliteSession session);

    private static int Count(DurableStore store) => store.Read(session => session.Find("SELECT count(*) FROM instances", row => row.Int(0)));

    private static long InsertLarge(SqliteSession session, string instanceId, int size = 50_000) => session.Insert(
        "INSERT INTO instances (instance_id, name, status, created_at, updated_at, input) VALUES ($1, 'Large', 0, 0, 0, $2)", instanceId, new string('x', size));

    /// <summary>From now on the database may not grow: the next page that is needed is one too many.</summary>
    private static async Task FillAsync(DurableStore store)
    {
        await store.CommitAsync((session, _) => InsertLarge(session, "filler", 500_000));
        await store.CommitAsync((session, _) => session.Find("PRAGMA max_page_count = 1", row => row.Long(0)));
    }

    private static void FreeSpace(DurableStore store) => store.Read(session =>
    {
        session.Execute("DELETE FROM instances WHERE instance_id = 'filler'");
        return true;
    });

    private IEnumerable<string> Files() => Directory.GetFiles(Path.GetDirectoryName(DatabasePath)!).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);

    private DurableStore Open(Action<Wakeups>? committed = null, string? path = null, Synchronous synchronous = Synchronous.Normal)
        => new(path ?? DatabasePath, synchronous, committed ?? (_ => { }), _time, LoggerFactory.Create(logging => logging.AddProvider(_logs)).CreateLogger("Durable"));

    /// <summary>What the disk holds after a number of commits, without any of them being in the main file.</summary>
    private async Task<string> ImageAsync(int commits)
    {
        await using var store = Open();
        for (var i = 0; i < commits; i++)
        {
            await store.CommitAsync((session, _) => Instances.InsertEntity(session, $"{i}"));
        }

        var image = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder.FullName, "image")).FullName, "durable.db");
        await store.CommitAsync((_, _) =>
        {
            File.Copy(DatabasePath, image);
            File.Copy(DatabasePath + "-wal", image + "-wal");
        });
        return image;
    }

    /// <summary>Lets the pauses between tries go by until something is done.</summary>
    private async Task AdvanceUntilAsync(Task done)
    {
        while (!done.IsCompleted)
        {
            var set = _time.TimersSetAsync();
            if (await Task.WhenAny(done, set).WaitAsync(TestHub.Patience) == set)
            {
                _time.Advance(TimeSpan.FromSeconds(2));
                await Task.Yield();
            }
        }

        await done;
    }
}
