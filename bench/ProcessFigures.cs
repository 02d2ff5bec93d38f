using System.Diagnostics;
using System.Globalization;

namespace Cosmo.Bench;

/// <summary>What processes have used, as Linux's <c>/proc</c> has it.</summary>
internal static class ProcessFigures
{
    private const double TicksPerSecond = 100;

    /// <summary>Seconds of processor time since a process began, its threads' together.</summary>
    public static double ProcessorSeconds(int process)
    {
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Memory that a process holds, in MB (resident set).</summary>
    public static double Megabytes(int process)
    {
        using var one = Process.GetProcessById(process);
        return one.WorkingSet64 / 1e6;
    }

    /// <summary>Handles that a process has open.</summary>
    public static int Handles(int process) => Directory.GetFileSystemEntries($"/proc/{process}/fd").Length;

    /// <summary>Threads of a process.</summary>
    public static int Threads(int process) => Directory.GetDirectories($"/proc/{process}/task").Length;

    /// <summary>The process, or its only descendant where it is a wrapper's.</summary>
    public static int ProgramOf(int process)
    {
        for (var name = Name(process); name is "setsid" or "sh" && Children(process) is [.., var last]; name = Name(process))
        {
            process = last;
        }

        return process;
    }

    /// <summary>The child whose command line holds a text; null where there is none.</summary>
    public static int? FindChild(int parent, string text) =>
        Children(parent).Where(child => File.ReadAllText($"/proc/{child}/cmdline").Contains(text, StringComparison.Ordinal)).Select(child => (int?)child).FirstOrDefault();

    private static string Name(int process) => File.ReadAllText($"/proc/{process}/comm").Trim();

    private static int[] Children(int process) =>
        [.. Directory.GetDirectories($"/proc/{process}/task").SelectMany(task => File.ReadAllText($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
}
