using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;

namespace Cosmo.Local.SampleData;

/// <summary>
/// The KMC database of a machine that has none: a SQLite file with the contract's view and made-up data (<c>sample.sql</c>). It can be locked
/// and broken on purpose.
/// </summary>
internal sealed class SampleDatabase(string dataFolder)
{
    /// <summary>The name under which <see cref="RegisterProvider"/> registers SQLite.</summary>
    public const string Provider = "Microsoft.Data.Sqlite";

    /// <summary>In the place of the procedure, which SQLite does not have. A city is found by its name, with "City" after it, and by a district.</summary>
    public const string OfficesCommand =
        "SELECT OfficeName, Building, District, City, Capacity, MonthlyPesos FROM offices "
        + "WHERE IsAvailable AND Capacity >= @Capacity AND @City COLLATE NOCASE IN (City, City || ' City', District) ORDER BY Capacity";

    private static readonly string Script = ReadScript();
    private static readonly int Version = BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(Script))) & int.MaxValue;

    public string Path { get; } = System.IO.Path.Combine(dataFolder, "sample.db");

    public string ConnectionString => new SqliteConnectionStringBuilder { DataSource = Path }.ToString();

    public static void RegisterProvider() => DbProviderFactories.RegisterFactory(Provider, SqliteFactory.Instance);

    /// <summary>Makes the file, and makes it anew if it is broken or of another script.</summary>
    public void Create()
    {
        Directory.CreateDirectory(dataFolder);
        using var connection = Open();
        using var transaction = connection.BeginTransaction();
        using var version = connection.CreateCommand();
        version.CommandText = "PRAGMA user_version";
        if (Convert.ToInt32(version.ExecuteScalar(), CultureInfo.InvariantCulture) != Version)
        {
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"{Script};PRAGMA user_version = {Version}"));
            transaction.Commit();
        }
    }

    /// <summary>Takes away what the two tools ask for, until <see cref="Create"/> mends it.</summary>
    public void Break()
    {
        using var connection = Open();
        Execute(connection, "BEGIN IMMEDIATE; DROP VIEW IF EXISTS vw_ClientCountPerService; DROP TABLE IF EXISTS offices; PRAGMA user_version = 0; COMMIT");
    }

    /// <summary>Keeps all readers waiting until the result is disposed of.</summary>
    public IDisposable Lock()
    {
        var connection = Open();
        Execute(connection, "BEGIN EXCLUSIVE");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // All texts are in this file and the script.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static string ReadScript()
    {
        using var reader = new StreamReader(typeof(SampleDatabase).Assembly.GetManifestResourceStream("sample.sql")!);
        return reader.ReadToEnd();
    }

    /// <summary>Not pooled: a connection that is disposed of lets go of its lock.</summary>
    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
