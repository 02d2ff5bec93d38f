using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal.Brokers;

/// <summary>Where a broker is, and as whom one speaks to it.</summary>
/// <param name="Url">The setting's value.</param>
/// <param name="IsSecure">Over TLS.</param>
internal sealed record BrokerAddress(Uri Url, bool IsSecure, string User, string Password, string Host, int Port)
{
    public bool IsLocal => Url.IsLoopback;

    /// <param name="text">The value of the setting; null or empty where it is not set.</param>
    /// <param name="setting">Its name, for messages.</param>
    /// <param name="scheme">The scheme of such a URL; with an s behind it, TLS is meant.</param>
    /// <param name="port">The port where the URL has none.</param>
    /// <param name="securePort">The same with TLS.</param>
    /// <exception cref="StartupException">It is no such URL.</exception>
    public static BrokerAddress Parse(string? text, string setting, string scheme, int port, int securePort)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new StartupException($"{setting} is not set; give it in the environment or in local.settings.json, as in local.settings.sample.json.");
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0)
        {
            throw new StartupException($"{setting} is not a URL of the form {scheme}://user:password@host:port; characters that have a meaning in a URL are written as %40 for @.");
        }

        if (url.Scheme != scheme && url.Scheme != scheme + "s")
        {
            throw new StartupException($"{setting} must begin with {scheme}:// or {scheme}s://.");
        }

        var isSecure = url.Scheme != scheme;
        var user = url.UserInfo.Split(':', 2).Select(Uri.UnescapeDataString).ToArray();
        return new BrokerAddress(
            url, isSecure, user[0], user.Length == 2 ? user[1] : "", url.DnsSafeHost, url.Port > 0 ? url.Port : isSecure ? securePort : port);
    }
}
