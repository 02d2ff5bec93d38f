using System.ComponentModel;
using System.Diagnostics;

namespace Cosmo.Local.Terminal.Processes;

/// <summary>A program to start.</summary>
/// <param name="Program">Its name or path.</param>
/// <param name="Arguments">What it is called with.</param>
internal sealed record Launch(string Program, params IReadOnlyList<string> Arguments)
{
    /// <summary>Its working directory; null for this process's.</summary>
    public string? Folder { get; init; }

    /// <summary>What it finds in the environment beside what this process does; a null takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
}

/// <summary>A process in a session of its own: Ctrl-C does not reach it, and it ends with all that it started.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process = new();
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess()
    {
    }

    public int Id => _process.Id;

    /// <summary>Completes with its exit code when it has ended.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>Its input. At the end of it whoever reads it knows that this process is gone.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <param name="launch">What to start.</param>
    /// <param name="onLine">Gets every line that it writes, of output and errors, from any thread.</param>
    public static ChildProcess Start(Launch launch, Action<string> onLine)
    {
        var child = new ChildProcess();
        var start = child._process.StartInfo = new ProcessStartInfo("setsid", [launch.Program, .. launch.Arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = launch.Folder ?? "",
        };
        foreach (var (name, value) in launch.Environment)
        {
            start.Environment[name] = value;
        }

        void Take(object sender, DataReceivedEventArgs line)
        {
            if (line.Data is { } text)
            {
                onLine(text);
            }
        }

        child._process.OutputDataReceived += Take;
        child._process.ErrorDataReceived += Take;
        child._process.EnableRaisingEvents = true;
        child._process.Exited += (_, _) => child._ended.TrySetResult(child._process.ExitCode);
        try
        {
            child._process.Start();
        }
        catch (Win32Exception error)
        {
            throw new TerminalException(ExitCodes.Failed, $"{launch.Program} cannot be started: setsid is missing (Debian: apt-get install util-linux).", error);
        }

        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        return child;
    }

    /// <summary>Waits until its output has been read to the end, too.</summary>
    public Task WaitForOutputAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    /// <summary>Asks it and all that it started to end, and makes them when the time is up.</summary>
    public Task EndAsync(TimeSpan grace) => ProcessGroup.EndAsync(Id, grace);

    public void Dispose() => _process.Dispose();
}
