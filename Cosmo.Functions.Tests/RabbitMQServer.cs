using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;

namespace Cosmo.Functions.Tests;

/// <summary>A RabbitMQ of the test's own.</summary>
public sealed class RabbitMQServer : ChildServer
{
    /// <summary>A name daemon of its own ends with the server, however that ends; one that the server started itself would stay.</summary>
    private const string Script = """
        epmd -address 127.0.0.1 -port $ERL_EPMD_PORT & names=$!
        $0 & server=$!
        trap 'kill $server' TERM
        while kill -0 $server 2>/dev/null; do wait $server; done
        kill $names
        """;

    private readonly int _distributionPort = FreePorts.Next();
    private readonly int _namePort = FreePorts.Next();

    public string Url => $"amqp://guest:guest@127.0.0.1:{Port}";

    /// <summary>Runs a command of <c>rabbitmqctl</c>.</summary>
    public async Task ControlAsync(string[] arguments, CancellationToken cancellationToken)
    {
        using var control = Process.Start(new ProcessStartInfo(Program("rabbitmqctl"), ["--node", NodeName, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["HOME"] = Folder, ["ERL_EPMD_PORT"] = _namePort.ToString(CultureInfo.InvariantCulture) },
        })!;
        var output = Task.WhenAll(control.StandardOutput.ReadToEndAsync(cancellationToken), control.StandardError.ReadToEndAsync(cancellationToken));
        await control.WaitForExitAsync(cancellationToken);
        if (control.ExitCode != 0)
        {
            throw new InvalidOperationException($"rabbitmqctl {string.Join(' ', arguments)} ended with {control.ExitCode}: {string.Concat(await output)}");
        }
    }

    /// <summary>Debian's own wrappers would run it as another user.</summary>
    private static string Program(string name) => Path.Combine("/usr/lib/rabbitmq/bin", name) is var path && File.Exists(path) ? path : name;

    private string NodeName => $"test{Port}@localhost";

    protected override ProcessStartInfo Command()
    {
        var plugins = Path.Combine(Folder, "plugins");
        File.WriteAllText(plugins, "[].");

        return new ProcessStartInfo("sh", ["-c", Script, Program("rabbitmq-server")])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["HOME"] = Folder,
                ["RABBITMQ_NODENAME"] = NodeName,
                ["RABBITMQ_NODE_IP_ADDRESS"] = "127.0.0.1",
                ["RABBITMQ_NODE_PORT"] = Port.ToString(CultureInfo.InvariantCulture),
                ["RABBITMQ_DIST_PORT"] = _distributionPort.ToString(CultureInfo.InvariantCulture),
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(Folder, "mnesia"),
                ["RABBITMQ_LOG_BASE"] = Path.Combine(Folder, "log"),
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
                ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
                ["ERL_EPMD_PORT"] = _namePort.ToString(CultureInfo.InvariantCulture),
                // Makes the server's own script become the server, so that the signal reaches it.
                ["RUNNING_UNDER_SYSTEMD"] = "1",
            },
        };
    }

    protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await new ConnectionFactory { Uri = new Uri(Url) }.CreateConnectionAsync(cancellationToken);
            return true;
        }
        catch (RabbitMQ.Client.Exceptions.BrokerUnreachableException)
        {
            return false;
        }
    }
}
