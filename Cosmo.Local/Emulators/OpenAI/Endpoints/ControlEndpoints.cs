using System.Text.Json;
using System.Text.Json.Nodes;
using Cosmo.Local.Emulators.OpenAI.Controls;
using Cosmo.Local.Emulators.OpenAI.Wire;

namespace Cosmo.Local.Emulators.OpenAI.Endpoints;

/// <summary>The controls for tests, which README.md describes.</summary>
internal sealed class ControlEndpoints(RuleList<Fault> faults, RuleList<ScriptedAnswer> script, RequestLog log, ConversationEndpoints conversations)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPut("/emulator/faults", context => ReplaceAsync(context, faults));
        routes.MapDelete("/emulator/faults", context => Clear(context, faults));
        routes.MapPut("/emulator/script", context => ReplaceAsync(context, script));
        routes.MapDelete("/emulator/script", context => Clear(context, script));
        routes.MapGet("/emulator/requests", ListRequestsAsync);
        routes.MapGet("/emulator/conversations/{id}/items", conversations.ListItemsAsync);
    }

    private static async Task ReplaceAsync<T>(HttpContext context, RuleList<T> rules)
        where T : Rule
    {
        try
        {
            rules.Replace(await JsonSerializer.DeserializeAsync<T[]>(context.Request.Body, Json.Controls, context.RequestAborted) ?? []);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (JsonException wrong)
        {
            throw new ApiException(400, wrong.Message);
        }
    }

    private static Task Clear<T>(HttpContext context, RuleList<T> rules)
        where T : Rule
    {
        rules.Replace([]);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task ListRequestsAsync(HttpContext context)
    {
        var conversation = context.Request.Query["conversation"].ToString();
        var requests = log.Requests.Where(request => conversation.Length == 0 || request.Conversation == conversation);
        var listed = JsonSerializer.SerializeToNode(requests, Json.Controls);
        return Json.WriteAsync(context.Response, new JsonObject { ["aborted"] = log.Aborted, ["requests"] = listed });
    }
}
