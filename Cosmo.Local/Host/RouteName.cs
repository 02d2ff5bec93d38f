using System.Buffers.Text;
using System.Text;

namespace Cosmo.Local.Host;

/// <summary>How a channel, message id or the like is written in a route of the functions.</summary>
internal static class RouteName
{
    /// <summary>Plain where nobody on the way could change it and no route has the word for itself; else <c>~</c> and the base64url of the name's UTF-8 bytes.</summary>
    public static string Write(string name) =>
        name is [not '~', ..] and not ("." or "..") && !name.Equals("stats", StringComparison.OrdinalIgnoreCase) && Uri.EscapeDataString(name) == name
            ? name
            : $"~{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name))}";
}
