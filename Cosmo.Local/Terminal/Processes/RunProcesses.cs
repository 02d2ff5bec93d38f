using System.Diagnostics;
using System.Globalization;

namespace Cosmo.Local.Terminal.Processes;

/// <summary>
/// The processes of one run. Each is written down, with the time of its start, so that the next run ends what an interrupted one
/// left behind; a guard ends them as soon as this process is killed.
/// </summary>
internal sealed class RunProcesses : IDisposable
{
    /// <summary>Ends what is written down when the guard's input ends, as it does with the process that holds the other end.</summary>
    private const string GuardScript = """read -r _; for file in "$1"/*.pid; do read -r leader _ <"$file" && { kill -s TERM -- "-$leader" || kill -s TERM "$leader"; }; done""";

    private static readonly TimeSpan LeftoverGrace = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, ChildProcess> _processes = [];
    private readonly Dictionary<string, LogFile> _logs = [];
    private readonly FileStream _claim;
    private readonly string _running;
    private readonly string _logFolder;
    private ChildProcess? _guard;

    private RunProcesses(FileStream claim, string running, string logFolder) => (_claim, _running, _logFolder) = (claim, running, logFolder);

    /// <summary>Takes a data folder for this run, and ends what an interrupted one left behind.</summary>
    /// <exception cref="TerminalException">A run has the folder already.</exception>
    public static async Task<RunProcesses> TakeOverAsync(string dataFolder)
    {
        var running = Path.Combine(dataFolder, "running");
        Directory.CreateDirectory(running);
        var owner = Path.Combine(running, "owner");
        FileStream claim;
        try
        {
            claim = new FileStream(Path.Combine(running, "claim"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            var who = File.Exists(owner) ? $" (process {(await File.ReadAllTextAsync(owner)).Trim()})" : "";
            throw new TerminalException(ExitCodes.Failed, $"Cosmo runs already from this folder{who}; stop it first, or give this run a folder of its own with --data.", error);
        }

        await File.WriteAllTextAsync(owner, $"{Environment.ProcessId}\n");
        foreach (var file in Directory.GetFiles(running, "*.pid"))
        {
            if (Read(file) is { } leader)
            {
                Console.WriteLine($"Ending {Path.GetFileNameWithoutExtension(file)}, which an interrupted run left behind.");
                await ProcessGroup.EndAsync(leader, LeftoverGrace);
            }

            File.Delete(file);
        }

        var processes = new RunProcesses(claim, running, Path.Combine(dataFolder, "logs"));
        processes._guard = Guard(running);
        return processes;
    }

    /// <summary>A process that ends what is written down in a folder once its input ends.</summary>
    internal static ChildProcess Guard(string running) => ChildProcess.Start(new Launch("sh", "-c", GuardScript, "guard", running), _ => { });

    /// <summary>The process of a name.</summary>
    public ChildProcess this[string name] => _processes[name];

    public string LogOf(string name) => Path.Combine(_logFolder, $"{name}.log");

    public bool Has(string name) => _processes.ContainsKey(name);

    /// <summary>Starts a process in the place of an earlier one with the same name.</summary>
    /// <param name="onLine">Gets every line after the log.</param>
    public ChildProcess Start(string name, Launch launch, Action<string>? onLine = null)
    {
        var log = _logs.TryGetValue(name, out var known) ? known : _logs[name] = new LogFile(LogOf(name));
        var process = ChildProcess.Start(launch, line =>
        {
            log.Write(line);
            onLine?.Invoke(line);
        });
        if (_processes.Remove(name, out var earlier))
        {
            earlier.Dispose();
        }

        _processes[name] = process;
        File.WriteAllText(Record(name), $"{process.Id} {ProcessGroup.Began(process.Id)}\n");
        return process;
    }

    /// <summary>Ends a process, if there is one of that name.</summary>
    public async Task EndAsync(string name, TimeSpan grace)
    {
        if (_processes.TryGetValue(name, out var process))
        {
            await process.EndAsync(grace);
            File.Delete(Record(name));
        }
    }

    /// <summary>Ends all of them at once.</summary>
    public void KillAll()
    {
        foreach (var (name, process) in _processes)
        {
            ProcessGroup.KillNow(process.Id);
            File.Delete(Record(name));
        }
    }

    /// <summary>Waits until a question about a process is answered with yes.</summary>
    /// <exception cref="TerminalException">The process ended, or the time was up.</exception>
    public async Task WaitUntilAsync(string name, TimeSpan limit, Func<Task<bool>> isReady, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        var began = Stopwatch.GetTimestamp();
        var told = TimeSpan.Zero;
        try
        {
            while (!await isReady())
            {
                ThrowIfEnded(name);
                if (Stopwatch.GetElapsedTime(began) >= told + LongStep.Interval)
                {
                    told += LongStep.Interval;
                    Console.WriteLine($"  still waiting for {name} ({told.TotalSeconds} s)");
                }

                await Task.Delay(TimeSpan.FromSeconds(0.1), timeout.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw LongStep.Explain(LogOf(name), $"{name} was not ready within {limit.TotalSeconds} seconds.");
        }
    }

    /// <exception cref="TerminalException">The process has ended.</exception>
    public void ThrowIfEnded(string name)
    {
        if (_processes[name].Ended.IsCompleted)
        {
            throw LongStep.Explain(LogOf(name), $"{name} ended before it was ready.");
        }
    }

    public void Dispose()
    {
        foreach (var process in _processes.Values)
        {
            process.Dispose();
        }

        foreach (var log in _logs.Values)
        {
            log.Dispose();
        }

        _guard?.Input.Close();
        _guard?.Dispose();
        _claim.Dispose();
    }

    private string Record(string name) => Path.Combine(_running, $"{name}.pid");

    /// <summary>The id that stands in a file, if the process of that id is still the one that was meant.</summary>
    private static int? Read(string file) =>
        File.ReadAllText(file).Split(' ', '\n') is [var id, var began, ..]
        && int.TryParse(id, CultureInfo.InvariantCulture, out var leader) && ProcessGroup.Began(leader) == began
            ? leader
            : null;
}
