using System.Diagnostics;
using System.Globalization;

namespace Cosmo.Functions.Tests;

/// <summary>Signals to processes, and what Linux says of them.</summary>
internal static class Processes
{
    /// <param name="signal">Its name without SIG, as in TERM.</param>
    /// <param name="processes">All get it at once.</param>
    public static void Signal(string signal, params IEnumerable<int> processes)
    {
        using var kill = Process.Start("kill", [$"-{signal}", .. processes.Select(process => process.ToString(CultureInfo.InvariantCulture))]);
        kill.WaitForExit();
    }

    /// <summary>Runs a program of the system. False where it fails, or is not there.</summary>
    public static bool Run(string program, params IEnumerable<string> arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>The processes that a process has started.</summary>
    public static IEnumerable<int> ChildrenOf(int process)
    {
        // A child stands with the thread that started it.
        return Read(() => Directory.GetDirectories($"/proc/{process}/task"))
            .SelectMany(thread => Read(() => File.ReadAllText(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));

        static string[] Read(Func<string[]> read)
        {
            try
            {
                return read();
            }
            catch (IOException)
            {
                // It has just ended; of a thread another has its children now.
                return [];
            }
        }
    }

    /// <summary>The process, those that it has started, and those that they have.</summary>
    public static IEnumerable<int> TreeOf(int process) => ChildrenOf(process).SelectMany(TreeOf).Prepend(process);

    /// <summary>Whether it stands still.</summary>
    public static bool IsStopped(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/stat").Split(") ")[^1][0] == 'T';
        }
        catch (IOException)
        {
            return false;
        }
    }
}
