using System.Globalization;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Brokers;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Running;

/// <summary>Azurite from npm, which keeps the orchestrations in the place of an Azure Storage account.</summary>
internal sealed class Azurite
{
    public const string Name = "azurite";

    private const string Version = "3.37.0";
    private const string Setting = "AzureWebJobsStorage";
    private const string WellKnown = "UseDevelopmentStorage=true";
    private const string Account = "devstoreaccount1";

    // The key that every Azurite has.
    private const string AccountKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly string[] Services = ["Blob", "Queue", "Table"];
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly int[] _ports;

    private Azurite(int[] ports) => _ports = ports;

    /// <summary>What the app's setting <c>AzureWebJobsStorage</c> says for it.</summary>
    public string ConnectionString =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={AccountKey};"
        + string.Concat(Services.Zip(_ports, (service, port) => $"{service}Endpoint=http://127.0.0.1:{port}/{Account};"));

    /// <summary>At the ports of <c>AzureWebJobsStorage</c>, or of a block.</summary>
    /// <exception cref="TerminalException">That setting names an account of Azure.</exception>
    public static Azurite At(IConfiguration configuration, PortBlock? ports)
    {
        var setting = configuration[Setting] is { Length: > 0 } value ? value : WellKnown;
        if (setting.TrimEnd(';') == WellKnown)
        {
            var first = ports?.Azurite ?? 10000;
            return new Azurite([first, first + 1, first + 2]);
        }

        var endpoints = setting.Split(';').Select(part => part.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0].Trim(), pair => pair[1], StringComparer.OrdinalIgnoreCase);
        var found = Services.Select(service => Uri.TryCreate(endpoints.GetValueOrDefault($"{service}Endpoint"), UriKind.Absolute, out var url) && url.IsLoopback ? url.Port : -1).ToArray();
        return found.Contains(-1)
            ? throw new TerminalException(ExitCodes.Failed, $"{Setting} names a storage account that is not on this machine; with --durable azurite it must be {WellKnown}.")
            : new Azurite(found);
    }

    /// <summary>Installs it if it is not there, and starts it unless it runs already.</summary>
    public async Task StartAsync(RunProcesses processes, string dataFolder, CancellationToken cancellationToken)
    {
        if (await LocalPorts.IsTakenAsync("127.0.0.1", _ports[0], cancellationToken))
        {
            Console.WriteLine($"Azurite, or what stands in its place, answers at 127.0.0.1:{_ports[0]}.");
            return;
        }

        var program = await InstallAsync(dataFolder, cancellationToken);
        var data = Path.Combine(dataFolder, Name, "data");
        Directory.CreateDirectory(data);
        Console.WriteLine($"Starting Azurite at 127.0.0.1:{_ports[0]} (data in {Path.GetRelativePath(ProgramFiles.Root, data)}).");
        processes.Start(Name, Launch(program, data));
        await processes.WaitUntilAsync(Name, StartLimit, () => LocalPorts.IsTakenAsync("127.0.0.1", _ports[^1], cancellationToken), cancellationToken);
    }

    /// <summary>Starts it again with the data that it had.</summary>
    public ChildProcess Restart(RunProcesses processes, string dataFolder) =>
        processes.Start(Name, Launch(ProgramIn(dataFolder), Path.Combine(dataFolder, Name, "data")));

    private static string ProgramIn(string dataFolder) => Path.Combine(dataFolder, Name, "node_modules", "azurite", "dist", "src", "azurite.js");

    private static async Task<string> InstallAsync(string dataFolder, CancellationToken cancellationToken)
    {
        var program = ProgramIn(dataFolder);
        var manifest = Path.Combine(dataFolder, Name, "node_modules", "azurite", "package.json");
        if (File.Exists(program) && (await File.ReadAllTextAsync(manifest, cancellationToken)).Contains($"\"{Version}\"", StringComparison.Ordinal))
        {
            return program;
        }

        if (Programs.Find("npm") is null && !await DebianPackages.TryInstallAsync(Path.Combine(dataFolder, "logs"), ["nodejs", "npm"], cancellationToken))
        {
            throw new TerminalException(ExitCodes.Failed, "Azurite needs Node.js with npm. Install it from https://nodejs.org, or run without --durable azurite.");
        }

        var folder = Path.Combine(dataFolder, Name);
        var log = Path.Combine(dataFolder, "logs", "npm.log");
        Directory.CreateDirectory(folder);
        Console.WriteLine($"Installing Azurite {Version} from npm.");
        var install = new Launch("npm", "install", "--prefix", folder, "--no-audit", "--no-fund", "--no-save", $"azurite@{Version}") { Folder = folder };
        return await LongStep.RunAsync(install, log, cancellationToken) == 0
            ? program
            : throw LongStep.Explain(log, $"npm could not install Azurite {Version}; is there a network?");
    }

    private Launch Launch(string program, string data)
    {
        var endpoints = Services.Zip(_ports, (service, port) => (Name: service.ToLowerInvariant(), Port: port.ToString(CultureInfo.InvariantCulture)))
            .SelectMany(service => new[] { $"--{service.Name}Host", "127.0.0.1", $"--{service.Name}Port", service.Port });
        return new Launch("node", [program, .. endpoints, "--location", data, "--silent", "--disableTelemetry", "--skipApiVersionCheck"]);
    }
}
