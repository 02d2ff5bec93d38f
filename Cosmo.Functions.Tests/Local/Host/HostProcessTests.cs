using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Cosmo.Functions.Tests.Local.Host;

/// <summary>The verb <c>functions</c> as a process of its own.</summary>
public sealed partial class HostProcessTests : IDisposable
{
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));
    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-host-").FullName;
    private readonly Process _host;

    public HostProcessTests()
    {
        File.WriteAllText(Path.Combine(_folder, "local.settings.json"), """{ "Values": { } }""");

        // A run of the tests in the background ignores the interrupt, and so would what it starts.
        _host = Process.Start(new ProcessStartInfo(
            "env", ["--default-signal=INT", Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "Cosmo.Local.dll"), "functions", "--port", "0", "--app", HostedApp.AppFolder, "--data", _folder])
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
        })!;
    }

    public void Dispose()
    {
        _host.Kill(entireProcessTree: true);
        _host.WaitForExit();
        _host.Dispose();
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_stops_host_and_worker(string signal)
    {
        using var worker = await StartedAsync();

        Processes.Signal(signal, _host.Id);
        _ = _host.StandardOutput.ReadToEndAsync(_limit.Token);
        await _host.WaitForExitAsync(_limit.Token);

        _host.ExitCode.ShouldBe(0);
        worker.HasExited.ShouldBeTrue();
    }

    [Fact]
    public async Task A_host_that_is_killed_leaves_no_worker_behind()
    {
        using var worker = await StartedAsync();

        _host.Kill();

        await worker.WaitForExitAsync(_limit.Token);
    }

    /// <summary>Waits until the host listens, and gives its worker.</summary>
    private async Task<Process> StartedAsync()
    {
        var worker = 0;
        while (await _host.StandardOutput.ReadLineAsync(_limit.Token) is { } line)
        {
            if (Ready().Match(line) is { Success: true } ready)
            {
                worker = int.Parse(ready.Groups[1].Value, CultureInfo.InvariantCulture);
            }

            if (line.StartsWith("Functions host listening at http://127.0.0.1:", StringComparison.Ordinal))
            {
                return Process.GetProcessById(worker);
            }
        }

        throw new InvalidOperationException("The host ended.");
    }

    [GeneratedRegex(@"The worker process (\d+) is ready")]
    private static partial Regex Ready();
}
