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

    /// <summary>Memory that processes hold together, in MB: a page of a file that several of them have mapped, such as the runtime's own, counts once.</summary>
    public static double MegabytesTogether(params ReadOnlySpan<int> processes)
    {
        var own = 0L;
        var shared = new Dictionary<string, long>();
        foreach (var process in processes)
        {
            var files = new Dictionary<string, long>();
            var file = "";
            foreach (var line in File.ReadLines($"/proc/{process}/smaps"))
            {
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (!fields[0].EndsWith(':'))
                {
                    // Address, rights, offset, device, inode, name: what has no inode is no file.
                    file = fields[4] == "0" ? $"of {process}" : $"{fields[3]} {fields[4]}";
                }
                else if (fields[0].StartsWith("Private_", StringComparison.Ordinal))
                {
                    own += long.Parse(fields[1], CultureInfo.InvariantCulture);
                }
                else if (fields[0].StartsWith("Shared_", StringComparison.Ordinal))
                {
                    files[file] = files.GetValueOrDefault(file) + long.Parse(fields[1], CultureInfo.InvariantCulture);
                }
            }

            foreach (var (name, kilobytes) in files)
            {
                shared[name] = Math.Max(shared.GetValueOrDefault(name), kilobytes);
            }
        }

        return (own + shared.Values.Sum()) * 1024 / 1e6;
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
