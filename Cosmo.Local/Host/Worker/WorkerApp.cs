using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Cosmo.Local.Host.Worker;

/// <summary>The build output of an app for the isolated worker, and how its process is started.</summary>
/// <param name="Folder">The full path of the output folder.</param>
/// <param name="Executable">The program to start.</param>
/// <param name="Assembly">The first argument of <c>dotnet</c>; null where the app is a program of its own.</param>
internal sealed record WorkerApp(string Folder, string Executable, string? Assembly)
{
    private const string ConfigFile = "worker.config.json";
    private const string Runtime = "dotnet-isolated";

    /// <summary>The version of the Durable extension that the app's packages ask the host for; null where they ask for none.</summary>
    public string? DurableExtension =>
        Path.Combine(Folder, ".azurefunctions", "Microsoft.Azure.WebJobs.Extensions.DurableTask.dll") is var path && File.Exists(path)
            ? FileVersionInfo.GetVersionInfo(path).FileVersion
            : null;

    /// <exception cref="StartupException">The folder holds no such app.</exception>
    public static WorkerApp Read(string folder)
    {
        var full = Path.GetFullPath(folder);
        var path = Path.Combine(full, ConfigFile);
        if (!File.Exists(path))
        {
            throw new StartupException($"{full} has no {ConfigFile}, so it is not the build output of an isolated-worker app; build the app and give its output folder with --app.");
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            var description = document.RootElement.GetProperty("description");
            if (description.GetProperty("language").GetString() is var language && language != Runtime)
            {
                throw new StartupException($"{path} is of an app for the worker '{language}'; only '{Runtime}' is hosted here.");
            }

            var worker = description.GetProperty("defaultWorkerPath").GetString()!;
            return description.GetProperty("defaultExecutablePath").GetString() == "dotnet"
                ? new WorkerApp(full, DotNet(), Path.Combine(full, worker))
                : new WorkerApp(full, Path.Combine(full, worker), null);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentNullException)
        {
            throw new StartupException($"{path} does not say how the worker is started; build the app again.", error);
        }
    }

    /// <summary>The <c>dotnet</c> that runs this program: it need not be on the path.</summary>
    private static string DotNet() => Path.GetFullPath(Path.Combine(
        RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
}
