using System.Diagnostics;

namespace Cosmo.Local.Host.Worker;

/// <summary>
/// The process of a worker. It ends with this one, however that ends: its standard input is a pipe whose other end this process holds, and
/// <see cref="StartupHook"/> in the worker waits for the pipe to close.
/// </summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const int LastErrorLines = 50;

    private readonly Process _process;
    private readonly Task _output;
    private readonly Queue<string> _lastErrors = new();

    private WorkerProcess(Process process, ILogger console)
    {
        _process = process;
        Id = process.Id;
        _output = Task.WhenAll(
            ReadAsync(process.StandardOutput, line => Log.WorkerSays(console, line)),
            ReadAsync(process.StandardError, line =>
            {
                Remember(line);

                // How the real host tells them apart.
                if (line.Contains("warn", StringComparison.OrdinalIgnoreCase))
                {
                    Log.WorkerWarns(console, line);
                }
                else
                {
                    Log.WorkerComplains(console, line);
                }
            }));
        Exited = WaitAsync();
    }

    public int Id { get; }

    /// <summary>The exit code, once the process has ended.</summary>
    public Task<int> Exited { get; }

    /// <param name="app">What to start.</param>
    /// <param name="arguments">The worker's arguments.</param>
    /// <param name="environment">Goes over the environment of this process.</param>
    /// <param name="console">Gets what the process writes.</param>
    /// <exception cref="StartupException">The program is not there or may not be run.</exception>
    public static WorkerProcess Start(WorkerApp app, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment, ILogger console)
    {
        var start = new ProcessStartInfo(app.Executable)
        {
            WorkingDirectory = app.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (app.Assembly is { } assembly)
        {
            start.ArgumentList.Add(assembly);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        StartupHook.AddTo(start.Environment);
        try
        {
            return new WorkerProcess(Process.Start(start)!, console);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new StartupException($"The worker cannot be started: {start.FileName}: {error.Message}", error);
        }
    }

    /// <summary>The end of what an ended process wrote to its standard error.</summary>
    public async Task<IReadOnlyList<string>> LastErrorsAsync()
    {
        // A child of the worker that lives on holds the pipe open: it is not read without end.
        await Task.WhenAny(_output, Task.Delay(TimeSpan.FromMilliseconds(500)));
        lock (_lastErrors)
        {
            return [.. _lastErrors];
        }
    }

    /// <summary>Ends the process and what it started, at once.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await Exited;
        _process.Dispose();
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> take)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            take(line);
        }
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private void Remember(string line)
    {
        lock (_lastErrors)
        {
            _lastErrors.Enqueue(line);
            if (_lastErrors.Count > LastErrorLines)
            {
                _lastErrors.Dequeue();
            }
        }
    }
}
