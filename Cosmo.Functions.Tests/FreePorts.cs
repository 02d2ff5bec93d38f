using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Cosmo.Functions.Tests;

/// <summary>
/// Ports of 127.0.0.1 for servers that start later, or again. They lie below those that the system gives to connections (32768 and up on Linux), so that none of
/// these takes one while its server is away.
/// </summary>
internal static class FreePorts
{
    private const int First = 12_000;
    private const int Count = 20_000;

    /// <summary>Where this run begins; another one on the machine begins elsewhere.</summary>
    private static int _last = RandomNumberGenerator.GetInt32(Count);

    /// <summary>One that nothing listens at, and that this run has not had before.</summary>
    public static int Next()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _last) % Count);
            if (IsFree(port))
            {
                return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
