using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Cosmo.Functions.Access;

/// <summary>Whence a request comes, as a digest that is the same for all of one client.</summary>
internal static class ClientSource
{
    private const int NetworkBytes = 8;
    private const int DigestBytes = 16;

    /// <summary>
    /// Null where nobody knows. The connection's address is the last hop that the platform has added to X-Forwarded-For: the host sets that header to it, and the
    /// worker takes it from there. What else stands in the header its client may have written.
    /// </summary>
    public static string? Of(HttpRequest request) => request.HttpContext.Connection.RemoteIpAddress is { } address ? Of(address) : null;

    /// <summary>A client has an IPv4 address, but a whole network of IPv6 ones: its first 64 bits stand for all.</summary>
    public static string Of(IPAddress address)
    {
        var known = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = known.GetAddressBytes();
        var counted = bytes.AsSpan(0, known.AddressFamily is AddressFamily.InterNetworkV6 ? NetworkBytes : bytes.Length);
        return Base64Url.EncodeToString(SHA256.HashData(counted).AsSpan(0, DigestBytes));
    }
}
