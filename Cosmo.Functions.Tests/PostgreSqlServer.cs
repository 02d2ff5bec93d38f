using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Cosmo.Functions.Tests;

/// <summary>A PostgreSQL of the test's own, from Debian's package. It does not run as root, so a test that does lends it the user of the package.</summary>
public sealed class PostgreSqlServer : ChildServer
{
    private const string User = "postgres";

    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Username=cosmo;Database=postgres;Timeout=5";

    private static string Programs => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").OrderBy(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)).Last() + "/bin"
        : throw new InvalidOperationException("PostgreSQL is missing. Install it (Debian: apt-get install postgresql).");

    private string Data => Path.Combine(Folder, "data");

    /// <summary>Runs a script with a connection that is not pooled.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A number, with a connection that is not pooled.</summary>
    public async Task<long> CountAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    protected override ProcessStartInfo Command()
    {
        if (!Directory.Exists(Data))
        {
            if (Environment.UserName == "root")
            {
                Run(new ProcessStartInfo("chown", [User, Folder]) { RedirectStandardOutput = true, RedirectStandardError = true });
            }

            Run(AsUser("initdb", "--pgdata", Data, "--username", "cosmo", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"));
        }

        return AsUser("postgres", "-D", Data, "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-k", Folder, "-c", "fsync=off");
    }

    protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(ConnectionString + ";Pooling=false");
            await connection.OpenAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static ProcessStartInfo AsUser(string program, params string[] arguments)
    {
        IEnumerable<string> command = [Path.Combine(Programs, program), .. arguments];
        if (Environment.UserName == "root")
        {
            command = ["setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups", .. command];
        }

        return new ProcessStartInfo(command.First(), command.Skip(1)) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
    }

    private static void Run(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{start.FileName} ended with {process.ExitCode}: {errors}");
        }
    }
}
