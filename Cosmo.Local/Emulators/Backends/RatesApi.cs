using System.Globalization;
using System.Text.Json.Nodes;

namespace Cosmo.Local.Emulators.Backends;

/// <summary>Exchange rates: <c>GET /rates/{from}/{to}</c>. They stand still.</summary>
internal static class RatesApi
{
    /// <summary>What a dollar costs.</summary>
    private static readonly Dictionary<string, decimal> PerDollar = new()
    {
        ["USD"] = 1m,
        ["PHP"] = 58.42m,
        ["EUR"] = 0.92m,
        ["GBP"] = 0.79m,
        ["JPY"] = 151.3m,
        ["SGD"] = 1.34m,
        ["AUD"] = 1.52m,
    };

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/rates/{from}/{to}", AnswerAsync);

    private static async Task AnswerAsync(HttpContext context)
    {
        if (await BackendJson.HasKeyAsync(context))
        {
            await (Find(context, "from") is { } from && Find(context, "to") is { } to
                ? BackendJson.WriteAsync(context, StatusCodes.Status200OK, new JsonObject
                {
                    ["data"] = new JsonObject
                    {
                        ["rate"] = Math.Round(PerDollar[to] / PerDollar[from], 4),
                        ["pair"] = string.Create(CultureInfo.InvariantCulture, $"{from}/{to}"),
                    },
                })
                : BackendJson.WriteAsync(context, StatusCodes.Status404NotFound, BackendJson.Message("Currency not found.")));
        }
    }

    private static string? Find(HttpContext context, string name) =>
        context.Request.RouteValues[name] is string currency && PerDollar.ContainsKey(currency) ? currency : null;
}
