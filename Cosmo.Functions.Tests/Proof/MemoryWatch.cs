namespace Cosmo.Functions.Tests.Proof;

/// <summary>Memory of a process, and of those that it started, in MB (resident set).</summary>
/// <param name="Process">What it is.</param>
/// <param name="Before">Before any message came.</param>
/// <param name="First">The most until the first part of the messages was there, before more came than may wait.</param>
/// <param name="Most">The most until all had ended.</param>
internal sealed record MemoryUse(string Process, double Before, double First, double Most);

/// <summary>Looks every second what processes hold.</summary>
internal sealed class MemoryWatch : IAsyncDisposable
{
    private readonly IReadOnlyList<(string Name, int Id)> _processes;
    private readonly PeriodicTimer _timer = new(TimeSpan.FromSeconds(1));
    private readonly MemoryUse[] _uses;
    private readonly Task _watching;
    private volatile bool _isPastFirst;

    /// <param name="processes">By what they are.</param>
    public MemoryWatch(IReadOnlyList<(string Name, int Id)> processes)
    {
        _processes = processes;
        _uses = [.. processes.Select(process => (process.Name, Megabytes: MegabytesOf(process.Id))).Select(now => new MemoryUse(now.Name, now.Megabytes, now.Megabytes, now.Megabytes))];
        _watching = WatchAsync();
    }

    public IReadOnlyList<MemoryUse> Uses => [.. _uses];

    /// <summary>The first part of the messages is there.</summary>
    public void NoteFirst() => _isPastFirst = true;

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
                _uses[i] = _uses[i] with { First = _isPastFirst ? _uses[i].First : Math.Max(_uses[i].First, now), Most = Math.Max(_uses[i].Most, now) };
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
