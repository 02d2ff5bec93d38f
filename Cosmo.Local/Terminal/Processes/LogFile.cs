namespace Cosmo.Local.Terminal.Processes;

/// <summary>The log of a process: a file, and the one before it, of at most ten megabytes each.</summary>
internal sealed class LogFile : IDisposable
{
    private const long LongestFile = 10_000_000;

    private readonly Lock _lock = new();
    private StreamWriter? _writer;

    public LogFile(string path)
    {
        Path = path;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        Begin();
    }

    public string Path { get; }

    /// <summary>The last lines of a log.</summary>
    public static IEnumerable<string> End(string path, int lines)
    {
        try
        {
            using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return file.ReadToEnd().TrimEnd('\n').Split('\n').TakeLast(lines);
        }
        catch (IOException)
        {
            return [];
        }
    }

    public void Write(string line)
    {
        lock (_lock)
        {
            if (_writer?.BaseStream.Length > LongestFile)
            {
                _writer.Dispose();
                Begin();
            }

            _writer?.WriteLine(line);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _writer?.Dispose();
            _writer = null;
        }
    }

    private void Begin()
    {
        if (File.Exists(Path))
        {
            File.Move(Path, Path + ".previous", overwrite: true);
        }

        _writer = new StreamWriter(new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
    }
}
