using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>What all calls of the API share: the log of requests, the key, the faults of conversations and the form of errors.</summary>
internal sealed class ApiPipeline(RequestLog log, RuleList<Fault> faults, TimeProvider clock)
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await (context.Request.Path.StartsWithSegments("/emulator") ? next(context) : CallAsync(context, next));
        }
        catch (ApiException refused)
        {
            await Json.WriteAsync(context.Response, refused.Body, refused.Status);
        }
    }

    /// <summary>The answer for an address that the API does not have.</summary>
    public static Task NotFoundAsync(HttpContext context) =>
        throw new ApiException(404, $"Invalid URL ({context.Request.Method} {context.Request.Path})");

    private async Task CallAsync(HttpContext context, RequestDelegate next)
    {
        var logged = log.Begin(context.Request);
        logged.Conversation = context.Request.Path.Value!.Contains("/conversations/", StringComparison.Ordinal) ? Id(context) : null;
        context.Features.Set(logged);
        context.Response.Headers["x-request-id"] = Ids.New("req");
        var (status, aborted) = (0, false);
        try
        {
            CheckKey(context.Request);
            if (!await IsFaultyAsync(context))
            {
                await next(context);
            }

            status = context.Response.StatusCode;
        }
        catch (ApiException refused)
        {
            status = refused.Status;
            throw;
        }
        catch (OperationCanceledException)
        {
            aborted = context.RequestAborted.IsCancellationRequested;
            context.Abort();
        }
        finally
        {
            log.End(logged, status, aborted);
        }
    }

    private static string? Id(HttpContext context) => context.Request.RouteValues["id"] as string;

    private static void CheckKey(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        var bearer = authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && authorization.Length > "Bearer ".Length;
        if (!bearer && string.IsNullOrEmpty(request.Headers["api-key"]))
        {
            throw new ApiException(401, "You didn't provide an API key.", null, "invalid_api_key");
        }
    }

    private async Task<bool> IsFaultyAsync(HttpContext context)
    {
        if (!context.Request.Path.Value!.Contains("/conversations", StringComparison.Ordinal))
        {
            return false;
        }

        var fault = faults.Take("conversations", Id(context));
        return await FaultAnswer.GiveAsync(context, fault, clock);
    }
}
