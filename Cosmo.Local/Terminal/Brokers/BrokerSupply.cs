using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Brokers;

/// <summary>
/// Makes a broker answer at its address. Where none does, and the address is this machine's, an installed program is started, else
/// Debian's package is installed, else a container is.
/// </summary>
/// <param name="processes">The processes of the run.</param>
/// <param name="dataFolder">What a broker of our own keeps goes into a folder in it.</param>
internal sealed class BrokerSupply(RunProcesses processes, string dataFolder) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    private readonly string _logFolder = Path.Combine(dataFolder, "logs");
    private readonly Dictionary<string, string?> _containers = [];

    /// <summary>Starts the broker unless it answers. It may not be ready yet.</summary>
    /// <exception cref="TerminalException">It does not answer, and cannot be started from here.</exception>
    public async Task StartAsync(Broker broker, CancellationToken cancellationToken)
    {
        if (await AnswersAsync(broker, cancellationToken))
        {
            Console.WriteLine($"{broker.Title} answers at {Where(broker)}.");
        }
        else if (!broker.Address.IsLocal || broker.Address.IsSecure)
        {
            throw new TerminalException(ExitCodes.Failed, $"{broker.Title} does not answer at {Where(broker)} ({broker.Setting}). "
                + (broker.Address.IsLocal ? "One with TLS is not started from here." : "Only an address of this machine is started from here."));
        }
        else if (broker.Program is not null)
        {
            Launch(broker);
        }
        else if (await DebianPackages.TryInstallAsync(_logFolder, [broker.Package], cancellationToken))
        {
            if (await AnswersAsync(broker, cancellationToken))
            {
                Console.WriteLine($"{broker.Title} answers at {Where(broker)}, started by its package.");
            }
            else
            {
                Launch(broker);
            }
        }
        else
        {
            await ComposeAsync(broker, cancellationToken);
        }
    }

    /// <summary>Waits until a broker that was started is ready.</summary>
    public async Task WaitUntilReadyAsync(Broker broker, CancellationToken cancellationToken)
    {
        if (processes.Has(broker.Name))
        {
            await processes.WaitUntilAsync(broker.Name, StartLimit, () => AnswersAsync(broker, cancellationToken), cancellationToken);
        }
    }

    /// <summary>Starts a broker of our own, with the data that it had before.</summary>
    public ChildProcess Launch(Broker broker)
    {
        var folder = Path.Combine(dataFolder, broker.Name);
        Directory.CreateDirectory(folder);
        Console.WriteLine($"Starting {broker.Title} at {Where(broker)} (data in {Path.GetRelativePath(ProgramFiles.Root, folder)}).");
        return processes.Start(broker.Name, broker.Prepare(folder));
    }

    /// <summary>Stops the containers. Their data stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_containers.Count > 0)
        {
            await LongStep.RunAsync(Compose("down"), Path.Combine(_logFolder, "docker.log"), CancellationToken.None);
        }
    }

    private static string Where(Broker broker) => $"{broker.Address.Host}:{broker.Address.Port}";

    private static async Task<bool> AnswersAsync(Broker broker, CancellationToken cancellationToken)
    {
        var answer = await broker.AskAsync(cancellationToken);
        return answer.State == BrokerState.Refuses
            ? throw new TerminalException(ExitCodes.Failed, $"{broker.Title} at {Where(broker)} ({broker.Setting}) cannot be used: {answer.Reason}.")
            : answer.State == BrokerState.Answers;
    }

    private async Task ComposeAsync(Broker broker, CancellationToken cancellationToken)
    {
        var log = Path.Combine(_logFolder, "docker.log");
        if (Programs.Find("docker") is null || await LongStep.RunAsync(new Launch("docker", "compose", "version"), log, cancellationToken) != 0
            || await LongStep.RunAsync(new Launch("docker", "info"), log, cancellationToken) != 0)
        {
            throw new TerminalException(ExitCodes.Failed,
                $"{broker.Title} is not installed. Install it (Debian: apt-get install {broker.Package}), or install Docker, or set {broker.Setting} to one that runs.");
        }

        Console.WriteLine($"Starting {broker.Title} at {Where(broker)} with Docker.");
        foreach (var (name, port) in broker.ContainerPorts)
        {
            _containers[name] = port;
        }

        if (await LongStep.RunAsync(Compose("up", "--detach", "--wait", broker.Name), log, cancellationToken) != 0)
        {
            throw LongStep.Explain(log, $"Docker could not start {broker.Title}.");
        }
    }

    /// <summary>A project for each data folder, so that two runs do not share their containers.</summary>
    private Launch Compose(params IEnumerable<string> arguments) => new(
        "docker",
        ["compose", "--project-name", ProjectName(dataFolder), "--file", Path.Combine(ProgramFiles.Root, "infra", "docker-compose.yml"), .. arguments])
    {
        Environment = _containers,
    };

    private static string ProjectName(string folder) =>
        $"cosmo-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(folder)))[..8]}";
}
