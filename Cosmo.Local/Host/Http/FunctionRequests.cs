using Cosmo.Local.Host.Functions;
using Yarp.ReverseProxy.Forwarder;

namespace Cosmo.Local.Host.Http;

/// <summary>
/// Answers a request by its function. The worker needs two things for it and brings them together by the invocation's id: the request, which goes to its
/// HTTP server, and the invocation.
/// </summary>
internal sealed class FunctionRequests(FunctionKeys keys, WorkerForwarder forwarder, ShutdownGrace grace, TimeProvider time, ILogger logger)
{
    /// <summary>The largest body in bytes, as on the Functions host.</summary>
    public const long MaxBodySize = 104_857_600;

    // The worker ends the request before it tells that the function has failed.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    /// <param name="function">The function.</param>
    /// <param name="invoker">Runs it.</param>
    /// <param name="worker">Gives the address of the worker's HTTP server, and waits for it while there is none.</param>
    /// <param name="http">The request.</param>
    public async Task AnswerAsync(HttpFunction function, IFunctionInvoker invoker, Func<CancellationToken, Task<Uri>> worker, HttpContext http)
    {
        if (!keys.Allow(function.Level, http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }
        else if (http.Request.ContentLength > MaxBodySize)
        {
            http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
        }
        else if (await HostAvailability.WaitAsync(worker, time, http) is { } address)
        {
            await RunAsync(function, invoker, address, http);
        }
    }

    private async Task RunAsync(HttpFunction function, IFunctionInvoker invoker, Uri worker, HttpContext http)
    {
        // A context is not for two at once: while the request is being forwarded nothing else touches it.
        var aborted = http.RequestAborted;
        var input = new TriggerInput(null, HttpBindingData.Of(http.Request)) { InvocationId = Guid.NewGuid().ToString() };
        using var invocation = CancellationTokenSource.CreateLinkedTokenSource(aborted, grace.Ended);
        using var request = new CancellationTokenSource();

        var forwarding = ForwardAsync(http, worker, input.InvocationId, invocation, request.Token);
        var failure = await InvokeAsync(function, invoker, input, invocation.Token);
        if (failure is not null)
        {
            await ((Task)forwarding).WaitAsync(AnswerTimeout, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await request.CancelAsync();
        }

        var error = await forwarding;
        if (aborted.IsCancellationRequested || (failure is null && error == ForwarderError.None))
        {
            return;
        }

        var cause = http.GetForwarderErrorFeature()?.Exception ?? failure;
        Log.RequestFailed(logger, function.Function.Name, cause?.GetType().Name ?? error.ToString());
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        http.Response.Clear();
        http.Response.StatusCode = BadRequest(cause)?.StatusCode ?? StatusCodes.Status500InternalServerError;
    }

    /// <summary>What the server found wrong with the request while it was being forwarded, such as a body that turned out too large.</summary>
    private static BadHttpRequestException? BadRequest(Exception? cause) =>
        (cause as AggregateException)?.Flatten().InnerExceptions.OfType<BadHttpRequestException>().FirstOrDefault() ?? cause as BadHttpRequestException;

    private async Task<ForwarderError> ForwardAsync(HttpContext http, Uri worker, string invocationId, CancellationTokenSource invocation, CancellationToken cancellationToken)
    {
        var error = await forwarder.SendAsync(http, worker, invocationId, cancellationToken);
        if (error != ForwarderError.None)
        {
            await invocation.CancelAsync();
        }

        return error;
    }

    private static async Task<Exception?> InvokeAsync(HttpFunction function, IFunctionInvoker invoker, TriggerInput input, CancellationToken cancellationToken)
    {
        try
        {
            await invoker.InvokeAsync(function.Function, input, cancellationToken);
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }
}
