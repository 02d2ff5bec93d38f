using Cosmo.Local.Host;

namespace Cosmo.Local.Durable.Storage;

/// <summary>
/// Ownership of a database by one process. The system releases it when the process dies, however that happens, so the next one may take over at
/// once whatever is unfinished: nobody else works on it.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private readonly FileStream _file;

    /// <exception cref="StartupException">Another process has the database, or the folder cannot be written.</exception>
    public StoreLock(string databasePath)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(databasePath)!);
            _file = new FileStream(databasePath + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new StartupException($"The durable database {databasePath} cannot be written ({error.Message}). Give this user the right to, or choose another folder with --data.", error);
        }
        catch (IOException error)
        {
            throw new StartupException(
                $"The durable database {databasePath} is in use by another host. Stop it, or give this one its own folder with --data.", error);
        }
    }

    public void Dispose() => _file.Dispose();
}
