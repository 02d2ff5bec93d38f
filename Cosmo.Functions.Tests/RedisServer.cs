using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Cosmo.Functions.Tests;

/// <summary>A Redis of the test's own. It keeps its data over a stop and, but for the last second, over a kill.</summary>
public sealed class RedisServer : ChildServer
{
    public string Url => $"redis://127.0.0.1:{Port}/0";

    protected override ProcessStartInfo Command() => new(
        "redis-server",
        ["--bind", "127.0.0.1", "--port", Port.ToString(CultureInfo.InvariantCulture), "--dir", Folder, "--save", "", "--appendonly", "yes"])
    {
        RedirectStandardOutput = true,
    };

    /// <summary>Loses everything.</summary>
    public async Task FlushAsync() => (await CommandAsync("FLUSHALL", CancellationToken.None)).ShouldStartWith("+OK");

    /// <summary>What it answers to a command, up to 64 KB of it.</summary>
    public async Task<string> CommandAsync(string command, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, cancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancellationToken);
        var answer = new byte[64 * 1024];
        return Encoding.ASCII.GetString(answer, 0, await stream.ReadAsync(answer, cancellationToken));
    }

    protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await CommandAsync("PING", cancellationToken)).StartsWith("+PONG", StringComparison.Ordinal);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return false;
        }
    }
}
