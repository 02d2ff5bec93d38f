using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Cosmo.Functions.Tests.Local.Terminal;

/// <summary>The script <c>cosmo</c> in a repository of a test's own, with a stand-in for the SDK that says what it was called with.</summary>
internal sealed class CosmoScript : IDisposable
{
    /// <summary>A build makes the assemblies that are handed over to; everything else is printed.</summary>
    private const string Sdk = """
        #!/bin/sh
        case $1 in
          --version) echo 10.0.100 ;;
          --list-sdks) echo "9.0.100 [/usr/share/dotnet/sdk]" ;;
          build)
            echo "$2" >>"$COSMO_ROOT/builds"
            if [ -f "$COSMO_ROOT/errors" ]; then cat "$COSMO_ROOT/errors"; exit 1; fi
            mkdir -p "$COSMO_ROOT/Cosmo.Local/StandIns/Some.Package/obj"
            for project in Cosmo.Functions Cosmo.Local; do
              mkdir -p "$COSMO_ROOT/$project/bin/Release/net10.0"
              touch "$COSMO_ROOT/$project/bin/Release/net10.0/$project.dll"
            done ;;
          *) echo "dotnet $*" ;;
        esac
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("cosmo-script-").FullName;

    public string Folder => _folder;

    public CosmoScript()
    {
        foreach (var name in (string[])["cosmo", "Directory.Build.props", "Directory.Packages.props", "global.json", "host.json", "local.settings.sample.json", ".editorconfig"])
        {
            File.Copy(Path.Combine(Root, name), Path.Combine(_folder, name));
        }

        foreach (var project in (string[])["Cosmo.Functions", "Cosmo.Local", "Cosmo.Local/StandIns/Some.Package", "bench"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, project));
            Write($"{project}/{Path.GetFileName(project)}.csproj", "");
        }

        Directory.CreateDirectory(Path.Combine(_folder, "sdk"));
        Directory.CreateDirectory(Path.Combine(_folder, "Cosmo.Local", "Terminal"));
        File.Copy(Path.Combine(Root, "Cosmo.Local/Terminal/usage.txt"), Path.Combine(_folder, "Cosmo.Local/Terminal/usage.txt"));
        WriteSdk(Sdk);
    }

    /// <summary>The repository that these tests were built in.</summary>
    public static string Root { get; } = Find();

    /// <summary>What was built, in order.</summary>
    public IReadOnlyList<string> Builds =>
        File.Exists(Path.Combine(_folder, "builds")) ? [.. File.ReadLines(Path.Combine(_folder, "builds")).Select(project => Path.GetFileName(project)!)] : [];

    /// <summary>Writes a file of the repository.</summary>
    public void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    public void Delete(string name) => File.Delete(Path.Combine(_folder, name));

    /// <summary>What the next build prints before it fails.</summary>
    public void FailBuilds(string errors) => Write("errors", errors);

    public void WriteSdk(string script)
    {
        var path = Path.Combine(_folder, "sdk", "dotnet");
        File.WriteAllText(path, script);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public void RemoveSdk() => File.Delete(Path.Combine(_folder, "sdk", "dotnet"));

    /// <summary>Calls the script. Paths in its output begin at the repository.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(_folder, "cosmo"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };

        // Without the real SDK, wherever that is.
        start.Environment["PATH"] = $"{Path.Combine(_folder, "sdk")}:{Tools()}";
        using var script = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var output = script.StandardOutput.ReadToEndAsync(limit.Token);
        var error = script.StandardError.ReadToEndAsync(limit.Token);
        await script.WaitForExitAsync(limit.Token);
        return (script.ExitCode, Shorten(await output), Shorten(await error));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Find([CallerFilePath] string file = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));

    private string Shorten(string text) => text.Replace(_folder + "/", "", StringComparison.Ordinal);

    /// <summary>A folder with what a script may call, but no SDK.</summary>
    private string Tools()
    {
        var tools = Path.Combine(_folder, "tools");
        if (!Directory.Exists(tools))
        {
            Directory.CreateDirectory(tools);
            foreach (var name in (string[])["bash", "cat", "cp", "date", "dirname", "find", "flock", "grep", "head", "mkdir", "mv", "paste", "rm", "sed", "sh", "sort", "tail", "tee", "touch"])
            {
                var path = new[] { "/usr/bin", "/bin" }.Select(folder => Path.Combine(folder, name)).First(File.Exists);
                File.CreateSymbolicLink(Path.Combine(tools, name), path);
            }
        }

        return tools;
    }
}
