using System.Globalization;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Processes;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Cosmo.Local.Terminal.Brokers;

/// <summary>The RabbitMQ of <c>RABBITMQ_URL</c>.</summary>
/// <param name="address">Where it is.</param>
/// <param name="pagePort">Where the management page of one of our own goes.</param>
internal sealed class RabbitMQBroker(BrokerAddress address, int pagePort) : Broker(address)
{
    public const int DefaultPagePort = 15672;

    /// <summary>Becomes the server, so that the signals go to it and not to a script around it; epmd is its own, and ends with the group.</summary>
    private const string StartScript = """epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" & exec "$1" """;

    public override string Name => "rabbitmq";

    public override string Title => "RabbitMQ";

    public override string Setting => AppSetting.RabbitMQUrl.Name;

    public override string Package => "rabbitmq-server";

    public int PagePort => pagePort;

    public string User => Address.User.Length > 0 ? Address.User : ConnectionFactory.DefaultUser;

    public string Password => Address.User.Length > 0 ? Address.Password : ConnectionFactory.DefaultPass;

    public string VirtualHost => new ConnectionFactory { Uri = Address.Url }.VirtualHost;

    /// <summary>Debian's own wrapper changes user and folder, so the script behind it comes first.</summary>
    public override string? Program =>
        Programs.Find("erl") is null || Programs.Find("epmd") is null ? null
        : File.Exists("/usr/lib/rabbitmq/bin/rabbitmq-server") ? "/usr/lib/rabbitmq/bin/rabbitmq-server"
        : Programs.Find("rabbitmq-server");

    public override IReadOnlyDictionary<string, string?> ContainerPorts => new Dictionary<string, string?>
    {
        ["RABBITMQ_PORT"] = Text(Address.Port),
        ["RABBITMQ_PAGE_PORT"] = Text(pagePort),
    };

    /// <exception cref="StartupException">The setting is not right.</exception>
    public static RabbitMQBroker At(string? url, int pagePort = DefaultPagePort) =>
        new(BrokerAddress.Parse(url, AppSetting.RabbitMQUrl.Name, "amqp", 5672, 5671), pagePort);

    public override async Task<BrokerAnswer> AskAsync(CancellationToken cancellationToken)
    {
        if (!await LocalPorts.IsTakenAsync(Address.Host, Address.Port, cancellationToken))
        {
            return BrokerAnswer.Nothing;
        }

        try
        {
            var factory = new ConnectionFactory
            {
                Uri = Address.Url,
                AutomaticRecoveryEnabled = false,
                RequestedConnectionTimeout = AnswerLimit,
                HandshakeContinuationTimeout = AnswerLimit,
            };
            await using var connection = await factory.CreateConnectionAsync(cancellationToken);
            return BrokerAnswer.Yes;
        }
        catch (BrokerUnreachableException error) when (Find<AuthenticationFailureException>(error) is not null)
        {
            return BrokerAnswer.No($"it refuses the user {User}");
        }
        catch (BrokerUnreachableException error) when (Find<OperationInterruptedException>(error) is { ShutdownReason: { } reason })
        {
            return BrokerAnswer.No($"it says \"{Tables.Line(reason.ReplyText)}\"");
        }
        catch (BrokerUnreachableException)
        {
            return BrokerAnswer.No("what listens there is not RabbitMQ");
        }
    }

    /// <summary>Its own cookie, name daemon and ports: another RabbitMQ of this machine is not touched.</summary>
    public override Launch Prepare(string folder)
    {
        var configuration = Path.Combine(folder, "rabbitmq.conf");
        var plugins = Path.Combine(folder, "plugins");
        var environment = Path.Combine(folder, "environment");
        WritePrivate(
            configuration,
            $"listeners.tcp.1 = 127.0.0.1:{Address.Port}", "management.tcp.ip = 127.0.0.1", $"management.tcp.port = {pagePort}",
            $"default_user = {User}", $"default_pass = {Password}", $"default_vhost = {VirtualHost}", "log.console = false");
        File.WriteAllText(plugins, "[rabbitmq_management].\n");
        File.WriteAllText(environment, "");
        return new Launch("sh", "-c", StartScript, "rabbitmq", Program!)
        {
            Folder = folder,
            Environment = new Dictionary<string, string?>
            {
                ["HOME"] = folder,
                ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
                ["ERL_EPMD_PORT"] = Text(LocalPorts.Free()),
                ["RABBITMQ_NODENAME"] = "cosmo@localhost",
                ["RABBITMQ_DIST_PORT"] = Text(LocalPorts.Free()),
                ["RABBITMQ_CONF_ENV_FILE"] = environment,
                ["RABBITMQ_CONFIG_FILE"] = configuration,
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = plugins,
                ["RABBITMQ_PID_FILE"] = Path.Combine(folder, "node.pid"),
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(folder, "mnesia"),
                ["RABBITMQ_LOG_BASE"] = Path.Combine(folder, "log"),
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
                ["RUNNING_UNDER_SYSTEMD"] = "1",
                ["NOTIFY_SOCKET"] = null,
            },
        };
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static T? Find<T>(Exception error)
        where T : Exception
    {
        for (var inner = (Exception?)error; inner is not null; inner = inner.InnerException)
        {
            if (inner is T found)
            {
                return found;
            }

            if (inner is AggregateException { InnerExceptions: var many } && many.Select(Find<T>).FirstOrDefault(each => each is not null) is { } nested)
            {
                return nested;
            }
        }

        return null;
    }
}
