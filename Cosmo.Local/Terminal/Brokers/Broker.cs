using System.Net.Sockets;
using Cosmo.Local.Terminal.Processes;

namespace Cosmo.Local.Terminal.Brokers;

/// <summary>What a broker says when it is asked.</summary>
internal enum BrokerState
{
    /// <summary>It can be used.</summary>
    Answers,

    /// <summary>Nothing listens at its address.</summary>
    Absent,

    /// <summary>Something listens there, but it cannot be used.</summary>
    Refuses,
}

/// <summary>The answer of a broker.</summary>
/// <param name="Reason">Why it refuses: the end of a sentence.</param>
internal sealed record BrokerAnswer(BrokerState State, string Reason = "")
{
    public static readonly BrokerAnswer Yes = new(BrokerState.Answers);
    public static readonly BrokerAnswer Nothing = new(BrokerState.Absent);

    public static BrokerAnswer No(string reason) => new(BrokerState.Refuses, reason);
}

/// <summary>Redis or RabbitMQ at the address of a setting, and how one of our own is started there.</summary>
internal abstract class Broker(BrokerAddress address)
{
    protected static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);

    /// <summary>Of its process, its log, its folder and its service in <c>docker-compose.yml</c>.</summary>
    public abstract string Name { get; }

    public abstract string Title { get; }

    public abstract string Setting { get; }

    /// <summary>The package of Debian that has it.</summary>
    public abstract string Package { get; }

    public BrokerAddress Address => address;

    /// <summary>The path of the installed program; null if it is not there.</summary>
    public abstract string? Program { get; }

    /// <summary>The ports of a container, by the names that <c>docker-compose.yml</c> has for them.</summary>
    public abstract IReadOnlyDictionary<string, string?> ContainerPorts { get; }

    /// <summary>Asks it, for some seconds at most.</summary>
    public abstract Task<BrokerAnswer> AskAsync(CancellationToken cancellationToken);

    /// <summary>Writes its configuration into a folder, which keeps its data too, and says how it is started.</summary>
    public abstract Launch Prepare(string folder);

    /// <summary>Writes a file that may hold a password.</summary>
    protected static void WritePrivate(string path, params IEnumerable<string> lines)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        File.Delete(path);
        using var file = new StreamWriter(path, options);
        foreach (var line in lines)
        {
            file.WriteLine(line);
        }
    }
}

/// <summary>The ports of this machine.</summary>
internal static class LocalPorts
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>A connection to whatever listens there; null if nothing does.</summary>
    public static async Task<TcpClient?> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var client = new TcpClient();
        try
        {
            await client.ConnectAsync(host, port, limit.Token);
            return client;
        }
        catch (Exception error) when (error is SocketException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            client.Dispose();
            return null;
        }
    }

    public static async Task<bool> IsTakenAsync(string host, int port, CancellationToken cancellationToken)
    {
        using var client = await ConnectAsync(host, port, cancellationToken);
        return client is not null;
    }

    /// <summary>A port of 127.0.0.1 that nothing listens at.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        return ((System.Net.IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
