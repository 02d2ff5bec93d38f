using System.Net;
using System.Net.Sockets;
using Cosmo.Functions.Hosting;
using Cosmo.Functions.Tools.Files.Mcp;

namespace Cosmo.Functions.Tools;

/// <summary>Looks up the addresses of a host's name; <see cref="Dns.GetHostAddressesAsync(string, CancellationToken)"/> but in tests.</summary>
internal delegate Task<IPAddress[]> HostLookUp(string host, CancellationToken cancellationToken);

/// <summary>
/// The HTTP clients of the tools that files declare. One connects to public addresses alone, whatever a name leads to at that moment; the other to any,
/// for files that allow it. Neither follows a redirect to another host.
/// </summary>
internal static class ServiceClients
{
    private const string Public = "Cosmo.Tools.Public";
    private const string Any = "Cosmo.Tools.Any";
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(301);

    public static string NameFor(bool allowsPrivate) => allowsPrivate ? Any : Public;

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<HostLookUp>(Dns.GetHostAddressesAsync);
        foreach (var allowsPrivate in (bool[])[false, true])
        {
            // The factory's own loggers would write addresses.
            services.AddHttpClient(NameFor(allowsPrivate), client =>
                {
                    client.MaxResponseContentBufferSize = ApiClient.MaxAnswerBytes;

                    // More than any file may allow.
                    client.Timeout = LongestCall;
                })
                .RemoveAllLoggers()
                .AddHttpMessageHandler(() => new IdempotencyKey())
                .AddHttpMessageHandler(() => new ResponseLimit())
                .AddHttpMessageHandler(() => new SameHostRedirects())
                .ConfigurePrimaryHttpMessageHandler(provider => Handler(allowsPrivate, provider.GetRequiredService<HostLookUp>()));
        }
    }

    private static SocketsHttpHandler Handler(bool allowsPrivate, HostLookUp lookUp)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),

            // A proxy would be what is connected to, and would look up the name itself.
            UseProxy = false,
        };
        if (!allowsPrivate)
        {
            handler.ConnectCallback = (context, cancellationToken) => ConnectToPublicAsync(context.DnsEndPoint, lookUp, cancellationToken);
        }

        return handler;
    }

    /// <summary>Connects to an address that was looked at: a name is looked up once, since a second time it may lead elsewhere.</summary>
    private static async ValueTask<Stream> ConnectToPublicAsync(DnsEndPoint end, HostLookUp lookUp, CancellationToken cancellationToken)
    {
        var found = IPAddress.TryParse(end.Host, out var literal) ? [literal] : await lookUp(end.Host, cancellationToken);
        IPAddress[] allowed = [.. found.Where(PublicAddress.Is)];
        if (allowed.Length == 0)
        {
            throw new PrivateAddressException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, end.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A name leads to private addresses alone. It names none, so that nobody learns what is behind it.</summary>
internal sealed class PrivateAddressException() : IOException("The address is private.");

/// <summary>Tells addresses of the Internet from those of a machine, a network or a platform.</summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",

            // The platform's own, on every machine in Azure.
            "168.63.129.16/32",

            // Of version 6, only 2000::/3 is the Internet; in it are addresses of documentation, and such as hold one of version 4.
            "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "4000::/2", "8000::/1",
        }.Select(text => IPNetwork.Parse(text)),
    ];

    public static bool Is(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !NotPublic.Any(network => network.Contains(plain));
    }
}

/// <summary>Follows the redirects of a GET within one scheme, host and port; what leads elsewhere is given back as it is.</summary>
internal sealed class SameHostRedirects : DelegatingHandler
{
    private const int MaxRedirects = 3;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        for (var count = 0; count < MaxRedirects && Target(request, response) is { } target; count++)
        {
            response.Dispose();
            var next = new HttpRequestMessage(HttpMethod.Get, target) { Version = request.Version, VersionPolicy = request.VersionPolicy };
            foreach (var (name, values) in request.Headers.NonValidated)
            {
                next.Headers.TryAddWithoutValidation(name, values);
            }

            response = await base.SendAsync(next, cancellationToken);
        }

        return response;
    }

    private static Uri? Target(HttpRequestMessage request, HttpResponseMessage response)
    {
        if (request.Method != HttpMethod.Get
            || response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect)
            || response.Headers.Location is not { } location)
        {
            return null;
        }

        var target = new Uri(request.RequestUri!, location);
        return Uri.Compare(target, request.RequestUri, UriComponents.SchemeAndServer | UriComponents.UserInfo, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0 ? target : null;
    }
}

/// <summary>Ends a response that is longer than a stream of one call may be; <see cref="HttpClient"/> bounds only what it reads at once.</summary>
internal sealed class ResponseLimit : DelegatingHandler
{
    private const long MaxBytes = 4 * ApiClient.MaxAnswerBytes;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var all = 0L;
        var limited = new StreamContent(new ObservedStream(
            await response.Content.ReadAsStreamAsync(cancellationToken),
            count => all = all + count <= MaxBytes ? all + count : throw new IOException("The response is too long.")));
        foreach (var (name, values) in response.Content.Headers.NonValidated)
        {
            limited.Headers.TryAddWithoutValidation(name, values);
        }

        response.Content = limited;
        return response;
    }
}
