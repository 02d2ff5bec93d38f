using Yarp.ReverseProxy.Forwarder;

namespace Cosmo.Local.Host.Http;

/// <summary>Passes requests on to the worker's own HTTP server and its answers back, both as streams.</summary>
internal sealed class WorkerForwarder(IHttpForwarder forwarder) : IDisposable
{
    private const string InvocationIdHeader = "x-ms-invocation-id";

    private static readonly ForwarderRequestConfig Config = new()
    {
        // Neither side has said anything for so long.
        ActivityTimeout = TimeSpan.FromSeconds(240),
        Version = new Version(1, 1),
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });

    /// <summary>Answers the request with what the worker says; where that fails, the status says how.</summary>
    public ValueTask<ForwarderError> SendAsync(HttpContext http, Uri worker, string invocationId, CancellationToken cancellationToken) =>
        forwarder.SendAsync(http, worker.ToString(), _client, Config, new WorkerRequest(invocationId), cancellationToken);

    public void Dispose() => _client.Dispose();

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
