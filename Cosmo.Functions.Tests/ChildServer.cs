using System.Diagnostics;

namespace Cosmo.Functions.Tests;

/// <summary>A real server as a child process, on a free port and in a folder of its own, that a test may stop, kill and start again.</summary>
public abstract class ChildServer : IAsyncLifetime
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(90);

    private Process? _process;

    protected ChildServer()
    {
        Directory.CreateDirectory(Folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveNow();
    }

    public int Port { get; } = FreePorts.Next();

    /// <summary>The process, while it runs.</summary>
    public int Id => _process!.Id;

    protected string Folder { get; } = Path.Combine(Path.GetTempPath(), $"cosmo-{Guid.NewGuid():n}");

    public async Task StartAsync()
    {
        _process = Process.Start(Command())!;
        using var limit = new CancellationTokenSource(ReadyTimeout);
        while (!await AnswersAsync(limit.Token))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"{_process.StartInfo.FileName} ended with {_process.ExitCode}.");
            }

            await Task.Delay(100, limit.Token);
        }
    }

    /// <summary>Ends the server as an operator would.</summary>
    public async Task StopAsync()
    {
        Processes.Signal("TERM", Id);
        await _process!.WaitForExitAsync().WaitAsync(ReadyTimeout);
    }

    /// <summary>Ends the server as a crash would.</summary>
    public async Task KillAsync()
    {
        _process!.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().WaitAsync(ReadyTimeout);
    }

    public async ValueTask InitializeAsync() => await StartAsync();

    public ValueTask DisposeAsync()
    {
        RemoveNow();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    protected abstract ProcessStartInfo Command();

    protected abstract Task<bool> AnswersAsync(CancellationToken cancellationToken);

    private void RemoveNow()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
