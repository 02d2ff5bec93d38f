using System.Globalization;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>The audit API: <c>GET /audit/{email}</c>. Its dates stand still relative to today.</summary>
internal sealed class AuditApi(TimeProvider clock)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/audit/{email}", AnswerAsync);

    private async Task AnswerAsync(HttpContext context)
    {
        if (!await BackendJson.HasKeyAsync(context))
        {
            return;
        }

        if (Person.Find(context) is not { } person)
        {
            await BackendJson.WriteAsync(context, StatusCodes.Status404NotFound, BackendJson.Message("User not found."));
            return;
        }

        var items = person.Activities.Select(activity => (JsonNode)ToJson(activity)).ToArray();
        await BackendJson.WriteAsync(context, StatusCodes.Status200OK, new JsonObject
        {
            ["data"] = new JsonObject
            {
                ["items"] = new JsonArray(items),
                ["totalPages"] = items.Length > 0 ? 1 : 0,
                ["totalCount"] = items.Length,
                ["hasPreviousPage"] = false,
                ["hasNextPage"] = false,
            },
        });
    }

    private JsonObject ToJson(Activity activity)
    {
        var time = clock.GetUtcNow().UtcDateTime.Date - activity.BeforeToday;
        return new JsonObject
        {
            ["action"] = activity.Action,
            ["tableName"] = activity.Table,
            ["changeSummary"] = activity.Summary,
            ["createdAt"] = time.ToString(time.Millisecond == 0 ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture),
        };
    }
}
