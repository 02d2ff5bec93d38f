namespace Cosmo.Local.Host;

/// <summary>Keeps a data folder for one host. The system lets go of it when the process dies, however that happens.</summary>
internal sealed class DataFolderLock : IAsyncDisposable
{
    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <exception cref="StartupException">Another host has the folder, or it cannot be used.</exception>
    public static DataFolderLock Take(string dataFolder)
    {
        try
        {
            Directory.CreateDirectory(dataFolder);
            return new DataFolderLock(new FileStream(Path.Combine(dataFolder, "host.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartupException(
                error is IOException && Directory.Exists(dataFolder)
                    ? $"Another functions host works on {dataFolder}. Stop it, or give this one its own folder with --data."
                    : $"The data folder {dataFolder} cannot be used: {error.Message} Give another with --data.",
                error);
        }
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
