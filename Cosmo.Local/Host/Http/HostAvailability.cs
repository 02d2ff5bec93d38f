namespace Cosmo.Local.Host.Http;

/// <summary>A request that comes while the host or its worker is not there yet waits for a while, and is then told so.</summary>
internal static class HostAvailability
{
    /// <summary>As long as the Functions host waits.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>The result of <paramref name="wait"/>, or null when it took too long or there will be none: the request is then answered with 503.</summary>
    public static async Task<T?> WaitAsync<T>(Func<CancellationToken, Task<T>> wait, TimeProvider time, HttpContext http)
        where T : class
    {
        using var limit = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, http.RequestAborted);
        try
        {
            return await wait(either.Token);
        }
        catch (Exception error) when (either.IsCancellationRequested || error is InvalidOperationException)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            if (!http.RequestAborted.IsCancellationRequested)
            {
                await http.Response.WriteAsync("Function host is not running.");
            }

            return null;
        }
    }
}
