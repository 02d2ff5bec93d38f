using System.Globalization;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>The Responses API, but for making a response.</summary>
internal sealed class ResponseEndpoints(Inventory inventory)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/responses/{id}", GetAsync);
        routes.MapDelete("/responses/{id}", DeleteAsync);
        routes.MapPost("/responses/{id}/cancel", CancelAsync);
        routes.MapGet("/responses/{id}/input_items", context =>
            Json.WriteAsync(context.Response, ItemPage.Of(Find(context).Request.Input, context.Request.Query)));
    }

    /// <summary>Sends the events of a background response from number <paramref name="first"/> on, until its end, or until so many were sent: then the connection breaks.</summary>
    public static async Task ReplayAsync(HttpContext context, EventLog events, int first, int? most = null)
    {
        var aborted = context.RequestAborted;
        await EventStream.BeginAsync(context.Response, aborted);
        await foreach (var streamEvent in events.ReadFromAsync(first, aborted))
        {
            if (most-- == 0)
            {
                // What was sent is to arrive before the connection breaks.
                await Task.Delay(20, aborted);
                context.Abort();
                return;
            }

            await EventStream.WriteAsync(context.Response, streamEvent, fault: null, aborted);
        }
    }

    private ModelResponse Find(HttpContext context) => inventory.Response((string)context.Request.RouteValues["id"]!);

    private Task GetAsync(HttpContext context)
    {
        var response = Find(context);
        if (context.Request.Query["stream"] != "true")
        {
            return Json.WriteAsync(context.Response, response.ToJson());
        }

        var after = context.Request.Query["starting_after"].ToString();
        var first = int.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number + 1 : 0;
        return ReplayAsync(context, response.Events ?? throw ApiException.InvalidValue("stream", "Only a background response can be streamed again."), first);
    }

    private Task DeleteAsync(HttpContext context)
    {
        var response = Find(context);
        inventory.RemoveResponse(response.Id);
        return Json.WriteAsync(context.Response, new JsonObject { ["id"] = response.Id, ["object"] = "response.deleted", ["deleted"] = true });
    }

    private Task CancelAsync(HttpContext context)
    {
        var response = Find(context);
        if (!response.Request.Background)
        {
            throw new ApiException(400, "Cannot cancel a synchronous response.");
        }

        response.TryEnd(Outcome.Cancelled);
        response.Events?.End();
        return Json.WriteAsync(context.Response, response.ToJson());
    }
}
