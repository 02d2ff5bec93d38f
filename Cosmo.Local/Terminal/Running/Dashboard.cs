using System.Globalization;
using System.Runtime.InteropServices;
using Cosmo.Local.Terminal.Brokers;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Running;

/// <summary>Aspire's dashboard from NuGet, alone: it collects what host and worker export over OTLP, keeps the newest of it in memory, and shows it on a page.</summary>
/// <param name="port">The page's.</param>
/// <param name="collectorPort">Where it takes OTLP over HTTP.</param>
internal sealed class Dashboard(int port, int collectorPort)
{
    public const string Name = "dashboard";

    private const string Version = "13.6.5";
    private const int DefaultPort = 18888;
    private const int DefaultCollectorPort = 18890;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly string Package = $"Aspire.Dashboard.Sdk.{RuntimeInformation.RuntimeIdentifier}";

    /// <summary>At the ports of a block, else at those that Aspire has by default.</summary>
    public static Dashboard At(PortBlock? ports) => ports is null ? new(DefaultPort, DefaultCollectorPort) : new(ports.Dashboard, ports.DashboardCollector);

    public string Url => $"http://127.0.0.1:{Text(port)}";

    /// <summary>What the app and its host find in their environment, so that they export to it, and soon.</summary>
    public IReadOnlyDictionary<string, string?> Settings => new Dictionary<string, string?>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{Text(collectorPort)}",
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "5000",
    };

    /// <summary>Fetches it if it is not there, and starts it.</summary>
    /// <exception cref="TerminalException">A port is taken, or it cannot be fetched.</exception>
    public async Task<ChildProcess> StartAsync(RunProcesses processes, string dataFolder, CancellationToken cancellationToken)
    {
        foreach (var needed in (int[])[port, collectorPort])
        {
            if (await LocalPorts.IsTakenAsync("127.0.0.1", needed, cancellationToken))
            {
                throw new TerminalException(ExitCodes.Failed, $"Port {needed} is taken by another program, and --dashboard needs it. Free it, or move all ports with --port.");
            }
        }

        await FetchAsync(dataFolder, cancellationToken);
        var process = Restart(processes, dataFolder);
        await processes.WaitUntilAsync(Name, StartLimit, () => LocalPorts.IsTakenAsync("127.0.0.1", collectorPort, cancellationToken), cancellationToken);
        return process;
    }

    /// <summary>Starts it; what it had collected before is gone.</summary>
    public ChildProcess Restart(RunProcesses processes, string dataFolder) => processes.Start(Name, new Launch(ProgramIn(dataFolder))
    {
        Folder = Path.GetDirectoryName(ProgramIn(dataFolder)),
        Environment = new Dictionary<string, string?>
        {
            ["ASPNETCORE_URLS"] = Url,
            ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = $"http://127.0.0.1:{Text(collectorPort)}",
            ["ASPIRE_DASHBOARD_UNSECURED_ALLOW_ANONYMOUS"] = "true",
            ["DASHBOARD__TELEMETRYLIMITS__MAXTRACECOUNT"] = "1000",
            ["DASHBOARD__TELEMETRYLIMITS__MAXLOGCOUNT"] = "10000",
        },
    });

    /// <summary>Where it is once it is fetched.</summary>
    internal static string ProgramIn(string dataFolder) => Path.Combine(
        dataFolder, Name, "packages", Package.ToLowerInvariant(), Version, "tools", OperatingSystem.IsWindows() ? "Aspire.Dashboard.exe" : "Aspire.Dashboard");

    private static async Task FetchAsync(string dataFolder, CancellationToken cancellationToken)
    {
        if (!File.Exists(ProgramIn(dataFolder)))
        {
            var folder = Path.Combine(dataFolder, Name);
            var log = Path.Combine(dataFolder, "logs", "nuget.log");
            Directory.CreateDirectory(folder);

            // Nothing of the repository's own build counts here.
            foreach (var file in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
            {
                await File.WriteAllTextAsync(Path.Combine(folder, file), "<Project />", cancellationToken);
            }

            var project = Path.Combine(folder, "dashboard.csproj");
            await File.WriteAllTextAsync(
                project,
                $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
                  <ItemGroup><PackageDownload Include="{Package}" Version="[{Version}]" /></ItemGroup>
                </Project>
                """,
                cancellationToken);
            Console.WriteLine($"Fetching Aspire's dashboard {Version} from NuGet.");
            var restore = new Launch("dotnet", "restore", project, "--packages", Path.Combine(folder, "packages"), "--disable-build-servers") { Folder = folder };
            if (await LongStep.RunAsync(restore, log, cancellationToken) != 0 || !File.Exists(ProgramIn(dataFolder)))
            {
                throw LongStep.Explain(log, $"{Package} {Version} could not be fetched; is there a network? Cosmo runs without --dashboard.");
            }
        }

        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(ProgramIn(dataFolder), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
