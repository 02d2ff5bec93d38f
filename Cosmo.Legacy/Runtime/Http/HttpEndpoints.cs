using System.Diagnostics;
using Cosmo.Local.Runtime.Indexing;
using Cosmo.Local.Runtime.Invocation;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Cosmo.Local.Runtime.Http;

/// <summary>Puts each HTTP function on its route.</summary>
internal sealed class HttpEndpoints(
    FunctionIndex index, HostJson hostJson, FunctionKeys keys, FunctionInvoker invoker, ShutdownGrace grace, ParameterPolicyFactory policies, ILogger<HttpEndpoints> logger)
{
    /// <summary>The largest body in bytes, as on the Functions host.</summary>
    public const long MaxBodySize = 104_857_600;

    /// <exception cref="StartupException">A route has a constraint that does not exist.</exception>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var function in index.Http)
        {
            var pattern = RoutePatternFactory.Parse(HttpFunction.Combine(hostJson.RoutePrefix, function.Route));
            CheckConstraints(function, pattern);
            Task Handle(HttpContext http) => RunAsync(function, http);
            var endpoint = function.Methods is { } methods ? routes.MapMethods(pattern.RawText!, methods, Handle) : routes.Map(pattern, Handle);
            endpoint.WithDisplayName(function.Function.Name);
        }
    }

    private async Task RunAsync(HttpFunction function, HttpContext http)
    {
        if (!keys.Allow(function.Level, http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (http.Request.ContentLength > MaxBodySize)
        {
            http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        try
        {
            var trigger = new Trigger(http.Request, HttpBindingData.Of(http.Request)) { Http = http, Kind = ActivityKind.Server };
            using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, grace.Ended);
            var result = await invoker.InvokeAsync(function.Function, trigger, http.RequestServices, cancellation.Token);
            await WriteAsync(result, http);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
        }
        catch (BadHttpRequestException error) when (!http.Response.HasStarted)
        {
            http.Response.StatusCode = error.StatusCode;
        }
        catch (Exception error) when (!http.Response.HasStarted)
        {
            Log.RequestFailed(logger, function.Function.Name, error.GetType().Name);
            http.Response.Clear();
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    private static Task WriteAsync(object? result, HttpContext http) => result switch
    {
        IActionResult action => action.ExecuteResultAsync(new ActionContext(http, http.GetRouteData(), new ActionDescriptor())),
        IResult plain => plain.ExecuteAsync(http),
        _ => Task.CompletedTask,
    };

    private void CheckConstraints(HttpFunction function, RoutePattern pattern)
    {
        foreach (var parameter in pattern.Parameters)
        {
            foreach (var policy in parameter.ParameterPolicies)
            {
                try
                {
                    policies.Create(parameter, policy);
                }
                catch (Exception error) when (error is InvalidOperationException or RouteCreationException)
                {
                    throw new StartupException(
                        $"Function '{function.Function.Name}' has the route '{function.Route}' with the constraint '{policy.Content}', which does not exist.", error);
                }
            }
        }
    }
}
