using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Extensions;

namespace Cosmo.Local.Host.Http;

/// <summary>The host's own pages: how it is, which functions it has and a way to run one, and the management of orchestrations.</summary>
internal sealed class ManagementEndpoints(FunctionKeys keys, string routePrefix, Task<ServedFunctions> served, TimeProvider time)
{
    private const string DurableExtension = "durabletask";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("admin/host/ping", ["GET", "POST"], http => Task.CompletedTask);
        routes.MapGet("admin/host/status", Guarded(AccessLevel.Admin, GetStatusAsync));
        routes.MapGet("admin/functions", Guarded(AccessLevel.Admin, ListFunctionsAsync));
        routes.MapPost("admin/functions/{name}", Guarded(AccessLevel.Admin, RunFunctionAsync));
        routes.Map("runtime/webhooks/{extension}/{**rest}", Guarded(AccessLevel.System, AnswerWebhookAsync));
    }

    private RequestDelegate Guarded(AccessLevel level, RequestDelegate answer) => http =>
    {
        if (keys.Allow(level, http.Request))
        {
            return answer(http);
        }

        http.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    };

    private Task GetStatusAsync(HttpContext http)
    {
        using var process = Process.GetCurrentProcess();
        return http.Response.WriteAsJsonAsync(new
        {
            State = served.IsCompletedSuccessfully ? "Running" : "Starting",
            ProcessUptime = (long)(time.GetUtcNow() - process.StartTime.ToUniversalTime()).TotalMilliseconds,
        });
    }

    private async Task ListFunctionsAsync(HttpContext http)
    {
        if (await HostAvailability.WaitAsync(served.WaitAsync, time, http) is { } functions)
        {
            var root = UriHelper.BuildAbsolute(http.Request.Scheme, http.Request.Host);
            var paths = functions.Index.Http.ToDictionary(function => function.Function, function => function.Path(routePrefix));
            await http.Response.WriteAsJsonAsync(functions.Index.Functions.Select(function => new Dictionary<string, object?>
            {
                ["name"] = function.Name,
                ["language"] = "dotnet-isolated",
                ["isDisabled"] = false,
                ["invoke_url_template"] = paths.TryGetValue(function, out var path) ? root + path : null,
                ["config"] = new Dictionary<string, object?> { ["bindings"] = function.Bindings.Select(binding => binding.Json) },
            }));
        }
    }

    private async Task RunFunctionAsync(HttpContext http)
    {
        if (await HostAvailability.WaitAsync(served.WaitAsync, time, http) is not { } functions)
        {
            return;
        }

        var name = (string?)http.Request.RouteValues["name"];
        var function = functions.Index.Functions.FirstOrDefault(function => function.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (function is null)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
        }
        else if (await ReadInputAsync(http) is not { } input || !functions.ManualRuns.TryStart(function, input))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync("""A timer or queue function can be run so, with a JSON body such as {"input": "text of a message"}.""");
        }
        else
        {
            http.Response.StatusCode = StatusCodes.Status202Accepted;
        }
    }

    /// <summary>The text that is to be a function's input; null where the body is not of that form.</summary>
    private static async Task<string?> ReadInputAsync(HttpContext http)
    {
        try
        {
            return await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted) is JsonObject body ? body["input"]?.ToString() ?? "" : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task AnswerWebhookAsync(HttpContext http)
    {
        if (!DurableExtension.Equals(http.Request.RouteValues["extension"] as string, StringComparison.OrdinalIgnoreCase))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using var request = ToMessage(http.Request);
        using var response = await (await served).DurableWebhook(request, http.RequestAborted);
        await WriteAsync(response, http);
    }

    private static HttpRequestMessage ToMessage(HttpRequest request)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), request.GetEncodedUrl()) { Content = new StreamContent(request.Body) };
        foreach (var (name, values) in request.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                message.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        return message;
    }

    private static async Task WriteAsync(HttpResponseMessage response, HttpContext http)
    {
        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers).Where(header => header.Key != "Transfer-Encoding"))
        {
            http.Response.Headers[name] = values.ToArray();
        }

        await response.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
    }
}
