using Cosmo.Local.Runtime.Durable.Storage;
using Microsoft.Data.Sqlite;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class DurableStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cosmo-store-");

    private string DatabasePath => Path.Combine(_folder.FullName, "new", "durable.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_change_that_throws_is_undone_alone()
    {
        await using var store = new DurableStore(DatabasePath);

        var changes = Enumerable.Range(0, 10).Select(i => store.CommitAsync(session =>
        {
            var id = InstanceTable.Insert(session, new NewExecution($"instance-{i}", "Any", null, DateTime.UnixEpoch));
            return i == 5 ? throw new InvalidDataException("five") : id;
        })).ToList();

        await Should.ThrowAsync<InvalidDataException>(changes[5]);
        changes.RemoveAt(5);
        await Task.WhenAll(changes);
        store.Read(InstanceTable.Ready).Count.ShouldBe(9);
        store.Read(session => InstanceTable.Find(session, "instance-5")).ShouldBeNull();
    }

    [Fact]
    public async Task A_commit_that_fails_ends_the_store()
    {
        await using var store = new DurableStore(DatabasePath);

        await Should.ThrowAsync<DurableStoreClosedException>(
            store.CommitAsync<int>(_ => throw new SqliteException("disk full", SQLitePCL.raw.SQLITE_FULL)));

        (await Should.ThrowAsync<DurableStoreClosedException>(store.CommitAsync(_ => 1))).Message.ShouldContain("a commit to its database failed");
        await Should.ThrowAsync<SqliteException>(store.Completion);
    }

    [Fact]
    public async Task What_was_handed_in_before_the_end_is_committed()
    {
        Task<long> last;
        await using (var store = new DurableStore(DatabasePath))
        {
            last = store.CommitAsync(session => InstanceTable.Insert(session, new NewExecution("last", "Any", null, DateTime.UnixEpoch)));
        }

        await last;
        await using var again = new DurableStore(DatabasePath);
        again.Read(session => InstanceTable.Find(session, "last")).ShouldNotBeNull();
    }
}
