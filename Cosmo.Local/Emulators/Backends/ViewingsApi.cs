using System.Text.Json;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>Viewings of offices: <c>POST /users/{email}/viewings</c> with <c>{"people": "12"}</c>. They are taken and forgotten.</summary>
internal static class ViewingsApi
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/users/{email}/viewings", AnswerAsync);

    private static async Task AnswerAsync(HttpContext context)
    {
        if (!await BackendJson.HasKeyAsync(context))
        {
            return;
        }

        var people = await PeopleAsync(context);
        await (Person.Find(context) is { } person && people is not null
            ? BackendJson.WriteAsync(context, StatusCodes.Status200OK, new JsonObject
            {
                ["data"] = new JsonObject { ["reference"] = $"V-{Random.Shared.Next(1000, 10_000)}", ["email"] = person.Email, ["people"] = people },
            })
            : BackendJson.WriteAsync(context, StatusCodes.Status404NotFound, BackendJson.Message("User not found, or nobody comes.")));
    }

    private static async Task<string?> PeopleAsync(HttpContext context)
    {
        try
        {
            return (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))?["people"]?.ToString();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
