using System.Diagnostics;
using System.Text;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The host in a process of its own, and the worker that it started.</summary>
internal sealed class FunctionsProcess : IRunningFunctions
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private FunctionsProcess(Process process) => _process = process;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <param name="folder">Its data folder and working directory; a <c>local.settings.json</c> there is the one that it reads.</param>
    /// <param name="app">The folder of the app; null for the one that was built.</param>
    public static FunctionsProcess Start(int port, string folder, IReadOnlyDictionary<string, string> settings, string? app = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            ArgumentList = { typeof(Cosmo.Local.Host.HostJson).Assembly.Location, "functions", "--port", $"{port}", "--data", folder },
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (app is not null)
        {
            start.ArgumentList.Add("--app");
            start.ArgumentList.Add(app);
        }

        foreach (var (name, value) in settings)
        {
            start.Environment[name.Replace(":", "__")] = value;
        }

        var functions = new FunctionsProcess(new Process { StartInfo = start });
        functions._process.OutputDataReceived += (_, line) => functions.Keep(line.Data);
        functions._process.ErrorDataReceived += (_, line) => functions.Keep(line.Data);
        functions._process.Start();
        functions._process.BeginOutputReadLine();
        functions._process.BeginErrorReadLine();
        return functions;
    }

    /// <summary>As <c>kill -9</c> does it.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Has it stop in an orderly way, and waits for that.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Processes.Signal("TERM", Id);
        await _process.WaitForExitAsync(cancellationToken);
    }

    public async Task KillWorkerAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (Worker() is { } worker)
            {
                using (worker)
                {
                    worker.Kill();
                    await worker.WaitForExitAsync(limit.Token);
                    return;
                }
            }

            await Task.Delay(20, limit.Token);
        }
    }

    public bool HasEnded => _process.HasExited;

    /// <summary>The host.</summary>
    public int Id => _process.Id;

    /// <summary>The worker; null while there is none.</summary>
    public int? WorkerId
    {
        get
        {
            using var worker = Worker();
            return worker?.Id;
        }
    }

    public void ThrowIfEnded()
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"The functions ended with {_process.ExitCode}:\n{Output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    /// <summary>The child that runs the app. Others, such as a compiler's server, are not its like.</summary>
    private Process? Worker()
    {
        foreach (var child in Processes.ChildrenOf(Id))
        {
            try
            {
                if (File.ReadAllText($"/proc/{child}/cmdline").Contains("Cosmo.Functions.dll", StringComparison.Ordinal))
                {
                    return Process.GetProcessById(child);
                }
            }
            catch (Exception error) when (error is IOException or ArgumentException)
            {
                // It has just ended.
            }
        }

        return null;
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
