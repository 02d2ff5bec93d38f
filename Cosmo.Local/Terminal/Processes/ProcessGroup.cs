using System.Globalization;
using System.Runtime.InteropServices;

namespace Cosmo.Local.Terminal.Processes;

/// <summary>Processes of this machine, by the id of their group's leader.</summary>
internal static class ProcessGroup
{
    private const int Terminate = 15;
    private const int Kill = 9;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>A text that tells a process from a later one with the same id; null if there is none.</summary>
    public static string? Began(int id) => Fields(id) is { Length: > 19 } fields ? fields[19] : null;

    /// <summary>Whether a process of the group still runs. One that has ended and that nobody has asked about does not.</summary>
    public static bool IsAlive(int leader) =>
        Directory.EnumerateDirectories("/proc").Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? Fields(id) : null)
            .Any(fields => fields is [not ("Z" or "X"), _, var group, ..] && group == leader.ToString(CultureInfo.InvariantCulture));

    /// <summary>Asks the group to end, and makes it end when the time is up.</summary>
    public static async Task EndAsync(int leader, TimeSpan grace)
    {
        Signal(leader, Terminate);
        using var limit = new CancellationTokenSource(grace);
        while (IsAlive(leader))
        {
            if (limit.IsCancellationRequested)
            {
                KillNow(leader);
                return;
            }

            await Task.Delay(PollInterval);
        }
    }

    /// <summary>Ends the group at once.</summary>
    public static void KillNow(int leader) => Signal(leader, Kill);

    private static void Signal(int leader, int signal)
    {
        // A process that has only just begun leads no group yet.
        if (SendSignal(-leader, signal) != 0)
        {
            _ = SendSignal(leader, signal);
        }
    }

    /// <summary>What the kernel says after the name, which may hold anything: state, parent, group, …</summary>
    private static string[]? Fields(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int id, int signal);
}
