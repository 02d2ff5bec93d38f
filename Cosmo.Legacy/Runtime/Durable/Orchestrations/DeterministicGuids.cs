using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Cosmo.Local.Runtime.Durable.Orchestrations;

/// <summary>GUIDs of version 8: the hash of where in the orchestration they are asked for.</summary>
internal sealed class DeterministicGuids(string instanceId)
{
    private int _made;

    public Guid Next(DateTime now)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"{instanceId}_{now:o}_{_made++}");
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(place)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
