using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Cosmo.Local.Terminal;

/// <summary>Ctrl-C, SIGTERM and the terminal's end as a cancellation; the process goes on until it has drained.</summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly PosixSignal[] Signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP];

    /// <summary>Some programs send a signal to a process and then once more to its group.</summary>
    private static readonly TimeSpan Echo = TimeSpan.FromSeconds(0.3);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _again = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    private long _first;

    public StopSignals() => _registrations = [.. Signals.Select(signal => PosixSignalRegistration.Create(signal, Stop))];

    public CancellationToken Token => _stop.Token;

    /// <summary>Completes at the second signal.</summary>
    public Task Again => _again.Task;

    /// <summary>How a process ends after the first signal: as a shell expects it, but well after SIGTERM.</summary>
    public int ExitCode { get; private set; }

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_stop.IsCancellationRequested)
        {
            if (Stopwatch.GetElapsedTime(_first) > Echo)
            {
                _again.TrySetResult();
            }

            return;
        }

        _first = Stopwatch.GetTimestamp();
        ExitCode = context.Signal switch
        {
            PosixSignal.SIGINT => 130,
            PosixSignal.SIGHUP => 129,
            _ => ExitCodes.Done,
        };
        _stop.Cancel();
    }
}
