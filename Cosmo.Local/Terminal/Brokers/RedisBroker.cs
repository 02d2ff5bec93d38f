using System.Globalization;
using System.Text;
using Cosmo.Local.Host;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Brokers;

/// <summary>The Redis of <c>REDIS_URL</c>.</summary>
internal sealed class RedisBroker(BrokerAddress address) : Broker(address)
{
    public override string Name => "redis";

    public override string Title => "Redis";

    public override string Setting => AppSetting.RedisUrl.Name;

    public override string Package => "redis-server";

    public override string? Program => Programs.Find("redis-server");

    public override IReadOnlyDictionary<string, string?> ContainerPorts =>
        new Dictionary<string, string?> { ["REDIS_PORT"] = Address.Port.ToString(CultureInfo.InvariantCulture) };

    /// <exception cref="StartupException">The setting is not right.</exception>
    public static RedisBroker At(string? url) => new(BrokerAddress.Parse(url, AppSetting.RedisUrl.Name, "redis", 6379, 6379));

    public override async Task<BrokerAnswer> AskAsync(CancellationToken cancellationToken)
    {
        using var client = await LocalPorts.ConnectAsync(Address.Host, Address.Port, cancellationToken);
        if (client is null || Address.IsSecure)
        {
            return client is null ? BrokerAnswer.Nothing : BrokerAnswer.Yes;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            await using var stream = client.GetStream();
            string[] login = Address switch
            {
                { Password.Length: 0 } => [],
                { User.Length: 0 } => ["AUTH", Address.Password],
                _ => ["AUTH", Address.User, Address.Password],
            };
            await stream.WriteAsync(Encoding.UTF8.GetBytes(Command(login) + Command(["PING"])), limit.Token);
            using var reader = new StreamReader(stream, Encoding.UTF8);
            while (await reader.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith("+PONG", StringComparison.Ordinal))
                {
                    return BrokerAnswer.Yes;
                }

                if (line.StartsWith('-'))
                {
                    return BrokerAnswer.No($"it says \"{Tables.Line(line[1..])}\"");
                }

                if (line != "+OK")
                {
                    break;
                }
            }
        }
        catch (Exception error) when (error is IOException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
        }

        return BrokerAnswer.No("what listens there is not Redis");
    }

    public override Launch Prepare(string folder)
    {
        var configuration = Path.Combine(folder, "redis.conf");
        WritePrivate(
            configuration,
            [
                "bind 127.0.0.1", $"port {Address.Port}", $"dir \"{folder}\"", "appendonly yes", "save \"\"", "daemonize no",
                .. Address.Password.Length > 0 ? [$"requirepass \"{Address.Password}\""] : Array.Empty<string>(),
            ]);
        return new Launch(Program!, configuration);
    }

    private static string Command(string[] words) =>
        words.Length == 0 ? "" : $"*{words.Length}\r\n{string.Concat(words.Select(word => $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n"))}";
}
