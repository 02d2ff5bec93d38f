namespace Cosmo.Local.Runtime.Durable.Storage;

/// <summary>
/// Ownership of a database by one engine. The system releases it when the process dies, however that happens, so the next
/// engine may take over at once whatever is unfinished: nobody else works on it.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private readonly FileStream _file;

    /// <exception cref="StartupException">Another engine has the database.</exception>
    public StoreLock(string databasePath)
    {
        try
        {
            _file = new FileStream(databasePath + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new StartupException(
                $"Another durable engine works on {databasePath}. Stop it, or give this one its own folder with --data.", error);
        }
    }

    public void Dispose() => _file.Dispose();
}
