using System.CommandLine;
using System.Globalization;
using Cosmo.Local.Host;

namespace Cosmo.Local.Terminal;

/// <summary>The ports that follow one another from the chat page's on, so that a single number moves all of Cosmo.</summary>
/// <param name="Page">The chat page's: 1 to 65523.</param>
internal sealed record PortBlock(int Page)
{
    private const int Length = 13;

    private static readonly AppSetting[] Backends = [AppSetting.WeatherUrl, AppSetting.AuditApiUrl, AppSetting.UserRoleApiUrl, AppSetting.ExchangeRatesUrl];

    public int Functions => Page + 1;

    public int WebPubSub => Page + 2;

    public int OpenAI => Page + 3;

    public int BackEnds => Page + 4;

    public int Redis => Page + 5;

    public int RabbitMQ => Page + 6;

    public int RabbitMQPage => Page + 7;

    /// <summary>The first of three: blobs, queues, tables.</summary>
    public int Azurite => Page + 8;

    public int Dashboard => Page + 11;

    public int DashboardCollector => Page + 12;

    /// <summary>The option <c>--port</c> of the verbs that run more than one service.</summary>
    public static Option<int?> Option() => CommonOptions.Port(
        1, ushort.MaxValue - Length + 1, "The chat page's port. Everything else moves to the ports behind it. [default: each where the settings say]");

    /// <summary>The settings with everything of theirs that is on this machine moved to these ports. What points elsewhere stays.</summary>
    public LocalSettings Move(LocalSettings settings)
    {
        var values = new Dictionary<string, string?>(settings.Settings, StringComparer.OrdinalIgnoreCase);
        Replace(AppSetting.RedisUrl, value => MoveUrl(value, Redis));
        Replace(AppSetting.RabbitMQUrl, value => MoveUrl(value, RabbitMQ));
        Replace(AppSetting.WebPubSubConnectionString, value => string.Join(';', value.Split(';').Select(MoveEndpoint)));
        Replace(AppSetting.OpenAIUrl, value => MoveUrl(value, OpenAI));
        foreach (var backend in Backends)
        {
            Replace(backend, value => MoveUrl(value, BackEnds));
        }

        return settings with
        {
            Settings = values,
            HttpPort = Functions,
            AllowedOrigins = [.. WithBothNames([$"http://127.0.0.1:{Page}", .. Others(settings.AllowedOrigins)])],
        };

        void Replace(AppSetting setting, Func<string, string> move)
        {
            foreach (var name in (string[])[setting.Name, setting.Place])
            {
                if (values.TryGetValue(name, out var value) && !string.IsNullOrWhiteSpace(value))
                {
                    values[name] = move(value);
                }
            }
        }
    }

    /// <summary>What a process has to find in its environment to see the settings as these are; what is set there already wins.</summary>
    public static Dictionary<string, string?> EnvironmentOf(LocalSettings moved, LocalSettings original)
    {
        var changed = moved.Settings.Where(setting => setting.Value != original.Settings[setting.Key])
            .Select(setting => (Name: setting.Key.Replace(":", "__", StringComparison.Ordinal), setting.Value))
            .Where(setting => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(setting.Name)))
            .ToDictionary(setting => setting.Name, setting => setting.Value);
        changed["Host__CORS"] = string.Join(',', WithBothNames(moved.AllowedOrigins));
        changed["Host__LocalHttpPort"] = moved.HttpPort.ToString(CultureInfo.InvariantCulture);
        return changed;
    }

    /// <summary>The origins, of which the first is the page's: it is opened under both names of this machine.</summary>
    private static IEnumerable<string> WithBothNames(IReadOnlyList<string> origins) =>
        origins is [var page, ..] && OtherName(page) is { } other ? [page, other, .. Others(origins)] : origins;

    /// <summary>The origins beside the page's.</summary>
    private static IEnumerable<string> Others(IReadOnlyList<string> origins) =>
        origins is [var page, ..] ? origins.Skip(1).Where(origin => origin.TrimEnd('/') != OtherName(page)) : [];

    /// <summary>An origin under the other name of this machine; null for one that is elsewhere.</summary>
    private static string? OtherName(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var url) && url.IsLoopback
            ? string.Create(CultureInfo.InvariantCulture, $"{url.Scheme}://{(url.Host == "localhost" ? "127.0.0.1" : "localhost")}:{url.Port}")
            : null;

    /// <summary>The text stays as it is but for the port: what stands around it may be written in a way of its own.</summary>
    private static string MoveUrl(string value, int port)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var url) || !url.IsLoopback)
        {
            return value;
        }

        var start = value.IndexOf("//", StringComparison.Ordinal) + 2;
        var end = value.IndexOfAny(['/', '?', '#'], start) is >= 0 and var found ? found : value.Length;
        var authority = value[start..end];
        var host = authority.LastIndexOf('@') + 1;
        var colon = authority.IndexOf(':', Math.Max(host, authority.LastIndexOf(']') + 1));
        return $"{value[..start]}{(colon < 0 ? authority : authority[..colon])}:{port.ToString(CultureInfo.InvariantCulture)}{value[end..]}";
    }

    private string MoveEndpoint(string part) =>
        part.Split('=', 2) is [var name, var endpoint] && name.Trim().Equals("Endpoint", StringComparison.OrdinalIgnoreCase)
            ? $"{name}={MoveUrl(endpoint, WebPubSub)}"
            : part;
}
