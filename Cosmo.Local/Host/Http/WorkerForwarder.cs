using System.Net.Sockets;
using Yarp.ReverseProxy.Forwarder;

namespace Cosmo.Local.Host.Http;

/// <summary>Passes requests on to the worker's own HTTP server and its answers back, both as streams.</summary>
internal sealed class WorkerForwarder : IDisposable
{
    /// <summary>The worker announces its address a little before it listens.</summary>
    public static readonly TimeSpan ConnectDelay = TimeSpan.FromMilliseconds(200);

    private const string InvocationIdHeader = "x-ms-invocation-id";
    private const int ConnectTries = 10;

    private static readonly ForwarderRequestConfig Config = new()
    {
        // Neither side has said anything for so long.
        ActivityTimeout = TimeSpan.FromSeconds(240),
        Version = new Version(1, 1),
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private readonly IHttpForwarder _forwarder;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _client;

    public WorkerForwarder(IHttpForwarder forwarder, TimeProvider time)
    {
        _forwarder = forwarder;
        _time = time;
        _client = new HttpMessageInvoker(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectCallback = ConnectAsync });
    }

    /// <summary>Answers the request with what the worker says; where that fails, the status says how.</summary>
    public ValueTask<ForwarderError> SendAsync(HttpContext http, Uri worker, string invocationId, CancellationToken cancellationToken) =>
        _forwarder.SendAsync(http, worker.ToString(), _client, Config, new WorkerRequest(invocationId), cancellationToken);

    public void Dispose() => _client.Dispose();

    /// <summary>Nothing has been sent yet, so that trying again is safe for every request.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionRefused && tries < ConnectTries)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            await Task.Delay(ConnectDelay, _time, cancellationToken);
        }
    }

    private sealed class WorkerRequest(string invocationId) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            Set(InvocationIdHeader, invocationId);
            Set("X-Forwarded-For", httpContext.Connection.RemoteIpAddress?.ToString());
            Set("X-Forwarded-Host", httpContext.Request.Host.Value);
            Set("X-Forwarded-Proto", httpContext.Request.Scheme);

            void Set(string name, string? value)
            {
                proxyRequest.Headers.Remove(name);
                if (!string.IsNullOrEmpty(value))
                {
                    proxyRequest.Headers.TryAddWithoutValidation(name, value);
                }
            }
        }
    }
}
