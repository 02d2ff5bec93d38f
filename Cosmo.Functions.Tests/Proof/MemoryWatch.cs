namespace Cosmo.Functions.Tests.Proof;

/// <summary>Memory of a process, and of those that it started, in MB (resident set).</summary>
/// <param name="Process">What it is.</param>
/// <param name="Before">Before any message came.</param>
/// <param name="Half">The most until half of the messages were there.</param>
/// <param name="Most">The most until all had ended.</param>
internal sealed record MemoryUse(string Process, double Before, double Half, double Most);

/// <summary>Looks every second what processes hold.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private readonly IReadOnlyList<(string Name, int Id)> _processes;
    private readonly PeriodicTimer _timer = new(TimeSpan.FromSeconds(1));
    private readonly MemoryUse[] _uses;
    private readonly Task _watching;
    private volatile bool _isPastHalf;

    /// <param name="processes">By what they are.</param>
    public MemoryWatch(IReadOnlyList<(string Name, int Id)> processes)
    {
        _processes = processes;
        _uses = [.. processes.Select(process => (process.Name, Megabytes: MegabytesOf(process.Id))).Select(now => new MemoryUse(now.Name, now.Megabytes, now.Megabytes, now.Megabytes))];
        _watching = WatchAsync();
    }

    public IReadOnlyList<MemoryUse> Uses => [.. _uses];

    /// <summary>Half of the messages are there.</summary>
    public void NoteHalf() => _isPastHalf = true;

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _watching;
    }

    private async Task WatchAsync()
    {
        while (await _timer.WaitForNextTickAsync())
        {
            for (var i = 0; i < _uses.Length; i++)
            {
                var now = MegabytesOf(_processes[i].Id);
                _uses[i] = _uses[i] with { Half = _isPastHalf ? _uses[i].Half : Math.Max(_uses[i].Half, now), Most = Math.Max(_uses[i].Most, now) };
            }
        }
    }

    private static double MegabytesOf(int process) => Processes.TreeOf(process).Sum(one =>
    {
        try
        {
            using var running = System.Diagnostics.Process.GetProcessById(one);
            return running.WorkingSet64 / 1e6;
        }
        catch (ArgumentException)
        {
            // It has just ended.
            return 0;
        }
    });
}
