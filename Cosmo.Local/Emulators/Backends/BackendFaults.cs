using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The controls for tests: <c>PUT</c> and <c>DELETE /emulator/faults</c>.</summary>
internal sealed class BackendFaults(TimeProvider clock)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    private readonly Lock _lock = new();
    private List<BackendFault> _faults = [];

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/emulator/faults", ReplaceAsync);
        routes.MapDelete("/emulator/faults", context =>
        {
            Replace([]);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
    }

    /// <summary>Answers a call with its fault, or lets it through.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path.StartsWithSegments("/emulator"))
        {
            await next(context);
            return;
        }

        var fault = Take(context.Request.Path.Value!);
        if (fault is { Delay: > 0 })
        {
            await Task.Delay(TimeSpan.FromMilliseconds(fault.Delay), clock, context.RequestAborted);
        }

        switch (fault)
        {
            case { Status: { } status }:
                foreach (var (name, value) in fault.Headers)
                {
                    context.Response.Headers[name] = value;
                }

                await BackendJson.WriteAsync(context, status, fault.Body?.DeepClone() ?? WeatherApi.Error(status));
                break;
            case { Malformed: true }:
                context.Response.ContentType = "application/json; charset=utf-8";
                await context.Response.WriteAsync("""{"data": {"items": [{"temp": 3""", context.RequestAborted);
                break;
            default:
                await next(context);
                break;
        }
    }

    private BackendFault? Take(string path)
    {
        lock (_lock)
        {
            var index = _faults.FindIndex(fault => fault.Times is not <= 0 && path.StartsWith(fault.Path, StringComparison.Ordinal));
            if (index < 0)
            {
                return null;
            }

            var fault = _faults[index];
            _faults[index] = fault with { Times = fault.Times - 1 };
            return fault;
        }
    }

    private void Replace(IEnumerable<BackendFault> faults)
    {
        lock (_lock)
        {
            _faults = [.. faults];
        }
    }

    private async Task ReplaceAsync(HttpContext context)
    {
        try
        {
            Replace(await JsonSerializer.DeserializeAsync<BackendFault[]>(context.Request.Body, Options, context.RequestAborted) ?? []);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (JsonException wrong)
        {
            await BackendJson.WriteAsync(context, StatusCodes.Status400BadRequest, new JsonObject { ["message"] = wrong.Message });
        }
    }
}
