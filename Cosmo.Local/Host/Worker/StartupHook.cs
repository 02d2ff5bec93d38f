using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

/// <summary>
/// Runs inside the worker before its own code, where this assembly stands in <c>DOTNET_STARTUP_HOOKS</c>; the runtime asks for this name
/// outside of any namespace. The worker must not outlive its host, and must not take the terminal's Ctrl-C for its own: the host tells it when to stop.
/// Nothing but the framework may be used here, since the worker has none of this program's packages.
/// </summary>
[SuppressMessage("Design", "CA1050", Justification = "The runtime asks for it.")]
internal static class StartupHook
{
    private const string Hooks = "DOTNET_STARTUP_HOOKS";
    private const string HooksOfOthers = "COSMO_STARTUP_HOOKS";

    /// <summary>Has the hook run in a process that is to be started.</summary>
    public static void AddTo(IDictionary<string, string?> environment)
    {
        var others = environment.TryGetValue(Hooks, out var found) ? found : null;
        environment[HooksOfOthers] = others;
        environment[Hooks] = string.IsNullOrEmpty(others)
            ? typeof(StartupHook).Assembly.Location
            : typeof(StartupHook).Assembly.Location + Path.PathSeparator + others;
    }

    public static void Initialize()
    {
        // What the worker starts itself is not the host's.
        Environment.SetEnvironmentVariable(Hooks, Environment.GetEnvironmentVariable(HooksOfOthers));
        Environment.SetEnvironmentVariable(HooksOfOthers, null);
        if (!OperatingSystem.IsWindows())
        {
            _ = NewSession();
        }

        new Thread(EndWithTheHost) { IsBackground = true, Name = "Host watch" }.Start();
    }

    /// <summary>The host writes nothing; the pipe ends with it, also where it has ended before this was called.</summary>
    private static void EndWithTheHost()
    {
        using (var pipe = Console.OpenStandardInput())
        {
            while (pipe.ReadByte() >= 0)
            {
            }
        }

        Process.GetCurrentProcess().Kill();
    }

    [DllImport("libc", EntryPoint = "setsid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NewSession();
}
