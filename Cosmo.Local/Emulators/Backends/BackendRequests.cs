using System.Text;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>What went over the wire, for tests and for the curious: <c>GET /emulator/requests</c>.</summary>
internal sealed class BackendRequests(TimeProvider clock)
{
    private const int MaxRequests = 1_000;
    private const int MaxAnswerLength = 2_000;

    private readonly Lock _lock = new();
    private readonly Queue<JsonObject> _requests = [];

    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/emulator/requests", ListAsync);

    /// <summary>Keeps the request when it comes, and the answer when it goes.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path.StartsWithSegments("/emulator"))
        {
            await next(context);
            return;
        }

        var entry = Add(context.Request);
        var started = clock.GetTimestamp();
        var wire = context.Response.Body;
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        try
        {
            await next(context);
            Complete(entry, context.Response.StatusCode, answer, clock.GetElapsedTime(started));
            answer.Position = 0;
            await answer.CopyToAsync(wire, context.RequestAborted);
        }
        finally
        {
            context.Response.Body = wire;
        }
    }

    private JsonObject Add(HttpRequest request)
    {
        var query = QueryString.Create(request.Query.Where(pair => pair.Key != "appid"));
        var entry = new JsonObject
        {
            ["path"] = request.Path.Value,
            ["query"] = query.Value,
            ["hasKey"] = request.Query.ContainsKey("appid") || request.Headers.ContainsKey("x-api-key"),
            ["status"] = null,
        };
        lock (_lock)
        {
            _requests.Enqueue(entry);
            if (_requests.Count > MaxRequests)
            {
                _requests.Dequeue();
            }
        }

        return entry;
    }

    private void Complete(JsonObject entry, int status, MemoryStream answer, TimeSpan duration)
    {
        var text = Encoding.UTF8.GetString(answer.GetBuffer(), 0, (int)answer.Length);
        lock (_lock)
        {
            entry["status"] = status;
            entry["milliseconds"] = (long)duration.TotalMilliseconds;
            entry["answer"] = text.Length <= MaxAnswerLength ? text : text[..MaxAnswerLength] + "…";
        }
    }

    private Task ListAsync(HttpContext context)
    {
        lock (_lock)
        {
            return BackendJson.WriteAsync(context, StatusCodes.Status200OK, new JsonObject
            {
                ["paths"] = new JsonArray([.. _requests.Select(entry => entry["path"]!.DeepClone())]),
                ["requests"] = new JsonArray([.. _requests.Select(entry => entry.DeepClone())]),
            });
        }
    }
}
