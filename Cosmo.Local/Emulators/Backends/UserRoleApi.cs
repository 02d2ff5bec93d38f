using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The user-role API: <c>GET /users/{email}/role</c>.</summary>
internal static class UserRoleApi
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/users/{email}/role", AnswerAsync);

    private static async Task AnswerAsync(HttpContext context)
    {
        if (await BackendJson.HasKeyAsync(context))
        {
            await (Person.Find(context) is { } person
                ? BackendJson.WriteAsync(context, StatusCodes.Status200OK, new JsonObject { ["data"] = JsonNode.Parse(person.Role) })
                : BackendJson.WriteAsync(context, StatusCodes.Status404NotFound, BackendJson.Message("User not found.")));
        }
    }
}
