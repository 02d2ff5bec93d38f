using Cosmo.Local.Durable.Storage;
using Microsoft.Data.Sqlite;
using static SQLitePCL.raw;

namespace Cosmo.Functions.Tests.Local.Durable;

public sealed class DurableStoreExceptionTests
{
    private const string DatabasePath = "/data/durable.db";

    [Theory]
    [InlineData(SQLITE_FULL, "The disk of /data/durable.db is full. Free some space; the work goes on by itself.", true)]
    [InlineData(SQLITE_BUSY, "Another program holds a lock on /data/durable.db. Close it; the work goes on by itself.", true)]
    [InlineData(SQLITE_LOCKED, "Another program holds a lock on /data/durable.db. Close it; the work goes on by itself.", true)]
    [InlineData(SQLITE_IOERR, "The durable database /data/durable.db cannot be read or written (so it said, in two lines).", true)]
    [InlineData(SQLITE_READONLY, "The durable database /data/durable.db cannot be written (so it said, in two lines). Give this user the right to.", false)]
    [InlineData(SQLITE_CANTOPEN, "The durable database /data/durable.db cannot be written (so it said, in two lines). Give this user the right to.", false)]
    [InlineData(SQLITE_PERM, "The durable database /data/durable.db cannot be written (so it said, in two lines). Give this user the right to.", false)]
    [InlineData(SQLITE_CORRUPT, Damaged, false)]
    [InlineData(SQLITE_NOTADB, Damaged, false)]
    [InlineData(SQLITE_ERROR, "The durable database /data/durable.db cannot be read or written (so it said, in two lines).", false)]
    public void What_is_wrong_with_the_file_is_told_with_what_to_do_and_whether_waiting_may_help(int code, string sentence, bool mayPass)
    {
        var error = new SqliteException("so it said,\nin two lines.", code);

        DurableStoreException.Describe(error, DatabasePath).ShouldBe(sentence);
        DurableStoreException.From(error, DatabasePath).ShouldSatisfyAllConditions(it => it.Message.ShouldBe(sentence), it => it.InnerException.ShouldBe(error));
        DurableStoreException.MayPass(error).ShouldBe(mayPass);
    }

    private const string Damaged = "The durable database /data/durable.db is damaged (so it said, in two lines). Stop the host, move durable.db "
        + "and the files named durable.db-wal and -shm out of /data, and start it again with an empty one.";
}
