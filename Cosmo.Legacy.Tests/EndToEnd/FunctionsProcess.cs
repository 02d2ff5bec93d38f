using System.Diagnostics;
using System.Text;

namespace Cosmo.Functions.Tests.EndToEnd;

/// <summary>The functions in a process of their own.</summary>
internal sealed class FunctionsProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private FunctionsProcess(Process process) => _process = process;

    /// <summary>What it has written so far.</summary>
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
    public static FunctionsProcess Start(int port, string folder, IReadOnlyDictionary<string, string> settings)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            ArgumentList = { typeof(Cosmo.Local.Runtime.LocalFunctionsHost).Assembly.Location, "functions", "--port", $"{port}", "--data", folder },
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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

        TestContext.Current.TestOutputHelper?.WriteLine(Output);
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
